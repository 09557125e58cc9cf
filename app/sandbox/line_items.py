"""Line items of a Checkout Session: prices given in place, and their sum."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from app.sandbox import currencies
from app.sandbox.errors import InvalidParameterError, InvalidRequestError
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

_MOST = 100


def parsed(tx: Transaction, params: Params) -> list[Json]:
    """Return the items of a session; refuse none, too many, or two currencies."""
    items = [_item(tx, given) for given in params.items("line_items")]
    if not items:
        raise params.missing("line_items")
    if len(items) > _MOST:
        raise InvalidParameterError("You can have up to 100 line items.", param="line_items")
    if len({item["currency"] for item in items}) > 1:
        raise InvalidParameterError(
            "All line items must have the same currency.", param="line_items"
        )
    return items


def total(items: list[Json]) -> int:
    """Return the sum of the items in the smallest unit."""
    return sum(int(item["amount_total"]) for item in items)


def _item(tx: Transaction, given: Params) -> Json:
    given.only("price", "price_data", "quantity", "metadata", "adjustable_quantity")
    if given.text("price") is not None:
        raise InvalidRequestError(
            f"No such price: '{given.text('price')}'",
            code="resource_missing",
            param=given.param("price"),
        )
    if not given.has("price_data"):
        raise given.missing("price_data")
    if given.nested("adjustable_quantity").flag("enabled"):
        raise InvalidParameterError("The sandbox has no adjustable quantities.")
    data = given.nested("price_data")
    data.only(
        "currency", "product", "product_data", "tax_behavior", "unit_amount", "unit_amount_decimal"
    )
    product = data.nested("product_data")
    product.only("name", "description", "images", "metadata", "tax_code", "unit_label")
    name = product.need_text("name")
    quantity = _quantity(given)
    unit = _unit_amount(data)
    amount = int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    currency = currencies.checked_currency(data.need_text("currency"), data.param("currency"))
    price = _price(tx, data, currency=currency, unit=unit)
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": name,
        "metadata": merged_metadata({}, given),
        "price": price,
        "quantity": quantity,
    }


def _quantity(given: Params) -> int:
    quantity = given.integer("quantity")
    if quantity is None:
        raise given.missing("quantity")
    if quantity < 1:
        raise InvalidParameterError(
            "This value must be greater than or equal to 1.", param=given.param("quantity")
        )
    return quantity


def _unit_amount(data: Params) -> Decimal:
    whole = data.integer("unit_amount")
    if whole is None and data.text("unit_amount_decimal") is None:
        raise data.missing("unit_amount")
    try:
        unit = Decimal(whole if whole is not None else data.need_text("unit_amount_decimal"))
    except InvalidOperation as refused:
        raise InvalidParameterError(
            "Invalid decimal", param=data.param("unit_amount_decimal")
        ) from refused
    if not unit.is_finite() or unit < 0:
        raise InvalidParameterError("Invalid non-negative integer", param=data.param("unit_amount"))
    return unit


def _price(tx: Transaction, data: Params, *, currency: str, unit: Decimal) -> Json:
    return {
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": tx.timestamp,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": data.text("product") or new_id("prod"),
        "recurring": None,
        "tax_behavior": data.text("tax_behavior") or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": int(unit) if unit == unit.to_integral_value() else None,
        "unit_amount_decimal": format(unit, "f"),
    }
