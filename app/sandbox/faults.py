"""Scripted faults: what shall go wrong, for what, and how often."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from app.sandbox.errors import InvalidParameterError
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.store import Transaction


class Target(StrEnum):
    """What a fault strikes."""

    API = "api"
    WEBHOOK = "webhook"
    PAYMENT = "payment"


class Effect(StrEnum):
    """What then happens."""

    ERROR = "error"  # 500, nothing executed, nothing saved for the key
    ERROR_EXECUTED = "error_executed"  # executed, but 500 is answered and saved for the key
    LOSE_ANSWER = "lose_answer"  # executed and saved, then the connection is closed
    TIMEOUT = "timeout"  # nothing executed; waits, then closes the connection
    TIMEOUT_EXECUTED = "timeout_executed"  # executed and saved; waits, then closes the connection
    SLOW = "slow"  # waits with the key in use, then answers properly
    RATE_LIMIT = "rate_limit"  # 429
    TWICE = "twice"  # two deliveries of the same event
    LATE = "late"  # first tried after `seconds`
    NEVER = "never"  # not delivered at all
    HOLD = "hold"  # kept until `POST /_sandbox/deliveries/release`
    DECLINE = "decline"  # the card is declined with `decline_code`


_EFFECTS = {
    Target.API: {
        Effect.ERROR,
        Effect.ERROR_EXECUTED,
        Effect.LOSE_ANSWER,
        Effect.TIMEOUT,
        Effect.TIMEOUT_EXECUTED,
        Effect.SLOW,
        Effect.RATE_LIMIT,
    },
    Target.WEBHOOK: {Effect.TWICE, Effect.LATE, Effect.NEVER, Effect.HOLD},
    Target.PAYMENT: {Effect.DECLINE},
}


@dataclass(frozen=True)
class Fault:
    """One scripted fault; `times` None means until it is cleared. Patterns may use `*`."""

    id: str
    on: Target
    effect: Effect
    method: str = "*"
    path: str = "*"
    type: str = "*"
    seconds: float = 0.0
    decline_code: str = "generic_decline"
    times: int | None = 1


def _parsed(values: Mapping[str, object]) -> Fault:
    unknown = set(values) - set(Fault.__dataclass_fields__)
    if unknown:
        raise InvalidParameterError(f"Unknown field of a fault: {', '.join(sorted(unknown))}")
    times = values.get("times", 1)
    try:
        fault = Fault(
            id=str(values.get("id") or new_id("fault")),
            on=Target(str(values.get("on"))),
            effect=Effect(str(values.get("effect"))),
            method=str(values.get("method", "*")).upper(),
            path=str(values.get("path", "*")),
            type=str(values.get("type", "*")),
            seconds=float(str(values.get("seconds", 0))),
            decline_code=str(values.get("decline_code", "generic_decline")),
            times=None if times is None else int(str(times)),
        )
    except ValueError as refused:
        raise InvalidParameterError(f"Not a fault: {refused}") from refused
    if fault.effect not in _EFFECTS[fault.on]:
        raise InvalidParameterError(f"A fault on {fault.on} has no effect '{fault.effect}'")
    return fault


def script(tx: Transaction, values: Mapping[str, object]) -> Fault:
    """Remember a fault; refuse one that makes no sense."""
    fault = _parsed(values)
    tx.run("INSERT OR REPLACE INTO faults VALUES (?, ?)", fault.id, json.dumps(asdict(fault)))
    return fault


def scripted(tx: Transaction) -> list[Fault]:
    """Return the faults still to come, oldest first."""
    return [
        _parsed(json.loads(row["body"]))
        for row in tx.rows("SELECT body FROM faults ORDER BY rowid")
    ]


def clear(tx: Transaction, fault_id: str | None = None) -> int:
    """Forget one fault, or all of them; return how many."""
    if fault_id is None:
        return tx.run("DELETE FROM faults")
    return tx.run("DELETE FROM faults WHERE id = ?", fault_id)


def as_json(fault: Fault) -> Json:
    """Return the fault as the developer wrote it."""
    return asdict(fault)


def strike_api(tx: Transaction, method: str, path: str) -> Fault | None:
    """Use up and return the first fault on an API request, if any."""
    for fault in scripted(tx):
        if (
            fault.on is Target.API
            and fnmatchcase(method, fault.method)
            and fnmatchcase(path, fault.path)
        ):
            return _used(tx, fault)
    return None


def strike_webhook(tx: Transaction, event_type: str) -> Fault | None:
    """Use up and return the first fault on the delivery of an event, if any."""
    for fault in scripted(tx):
        if fault.on is Target.WEBHOOK and fnmatchcase(event_type, fault.type):
            return _used(tx, fault)
    return None


def strike_payment(tx: Transaction) -> Fault | None:
    """Use up and return the first fault on a payment, if any."""
    for fault in scripted(tx):
        if fault.on is Target.PAYMENT:
            return _used(tx, fault)
    return None


def _used(tx: Transaction, fault: Fault) -> Fault:
    if fault.times is not None:
        if fault.times <= 1:
            clear(tx, fault.id)
        else:
            script(tx, asdict(fault) | {"times": fault.times - 1})
    return fault


def is_dead(tx: Transaction) -> str | None:
    """Return how the switched-off sandbox behaves (`503` or `refuse`), or None if it lives."""
    return tx.setting("dead") or None


def set_dead(tx: Transaction, mode: str | None) -> None:
    """Switch everything but `/_sandbox/` off or on again."""
    if mode not in {None, "503", "refuse"}:
        raise InvalidParameterError("mode must be '503' or 'refuse'")
    tx.set_setting("dead", mode or "")
    tx.wakes_courier = True
