"""`expand[]`: ids replaced by the objects they stand for."""

from collections.abc import Sequence

from app.sandbox.errors import InvalidParameterError
from app.sandbox.json_types import Json
from app.sandbox.store import Transaction

_KINDS = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}
_DEEPEST = 4


def expand(tx: Transaction, thing: Json, paths: Sequence[str]) -> Json:
    """Replace the ids on each path by objects; refuse paths that lead nowhere."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise InvalidParameterError(
                f"You cannot expand more than 4 levels of a property. Property: {path}",
                param="expand",
            )
        _walk(tx, thing, steps, path)
    return thing


def _walk(tx: Transaction, thing: Json, steps: list[str], path: str) -> None:
    name, *rest = steps
    if thing.get("object") in {"list", "search_result"} and name == "data":
        for one in thing["data"]:
            _walk_on(tx, one, rest, path)
        return
    if thing.get("object") == "checkout.session" and name == "line_items":
        items = tx.private(thing["id"])["line_items"]
        url = f"/v1/checkout/sessions/{thing['id']}/line_items"
        thing["line_items"] = {"object": "list", "data": items, "has_more": False, "url": url}
        return
    if name not in thing or (name not in _KINDS and not isinstance(thing[name], dict)):
        raise InvalidParameterError(f"This property cannot be expanded ({path}).", param="expand")
    value = thing[name]
    if isinstance(value, str):
        value = thing[name] = tx.find(_KINDS[name], value) or value
    if isinstance(value, dict):
        _walk_on(tx, value, rest, path)


def _walk_on(tx: Transaction, thing: Json, rest: list[str], path: str) -> None:
    if rest:
        _walk(tx, thing, rest, path)
