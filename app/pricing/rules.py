from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from app.kernel import Money
from app.pricing.errors import BadPriceError, BadQuantityError, BadTaxRateError
from app.pricing.models import CreditPurpose

PLACES = 6
TAX_PLACES = 4
# Their product, in cents, fits the ledger's 64 bits and decimal's 28 digits without rounding.
MAXIMUM_QUANTITY = Decimal(10) ** 9
MAXIMUM_UNIT_PRICE = Decimal(10) ** 6


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price and tax that hold for one meter at one time. `unit_price` is gross, in euros."""

    price_id: UUID
    unit_price: Decimal
    currency: str
    tax_rate: Decimal
    credit_purpose: CreditPurpose


@dataclass(frozen=True, slots=True)
class Quote:
    """A rated quantity: gross = net + tax, to the cent."""

    tariff: Tariff
    quantity: Decimal
    gross: Money
    net: Money
    tax: Money


def rate(tariff: Tariff, quantity: Decimal) -> Quote:
    """Price `quantity` (in the meter's unit) by the tariff; the gross is rounded half up, once.

    Refuses a quantity that is not positive, has more than six places or exceeds a billion.
    """
    require_quantity(quantity)
    exact = tariff.unit_price * quantity
    gross = Money(int((exact * 100).to_integral_value(ROUND_HALF_UP)), tariff.currency)
    tax = tax_within(gross, tariff.tax_rate)
    return Quote(tariff, quantity, gross, gross - tax, tax)


def tax_within(gross: Money, tax_rate: Decimal) -> Money:
    """Return the value-added tax that a gross amount holds, the net rounded half up.

    For a rate of 0.19: gross - gross / 1.19 (§ 12 (1) UStG; rounding as in § 14 (4) no. 8 UStG).
    """
    net = (Decimal(gross.minor) / (1 + tax_rate)).to_integral_value(ROUND_HALF_UP)
    return Money(gross.minor - int(net), gross.currency)


def require_quantity(quantity: Decimal) -> None:
    """Refuse a quantity that cannot be charged."""
    if not quantity.is_finite() or not 0 < quantity <= MAXIMUM_QUANTITY or _finer(quantity, PLACES):
        raise BadQuantityError(quantity=str(quantity)[:40])


def require_unit_price(unit_price: Decimal) -> None:
    """Refuse a price that is negative, above a million, not a number, or finer than six places."""
    if (
        not unit_price.is_finite()
        or not 0 <= unit_price <= MAXIMUM_UNIT_PRICE
        or _finer(unit_price, PLACES)
    ):
        raise BadPriceError(unit_price=str(unit_price)[:40])


def require_tax_rate(tax_rate: Decimal) -> None:
    """Refuse a tax rate outside 0 to below 1, or finer than the four places that are stored."""
    if not tax_rate.is_finite() or not 0 <= tax_rate < 1 or _finer(tax_rate, TAX_PLACES):
        raise BadTaxRateError(tax_rate=str(tax_rate)[:40])


def _finer(number: Decimal, places: int) -> bool:
    # Not by normalize(): that rounds to 28 digits first and would let a longer number pass.
    return number != round(number, places)
