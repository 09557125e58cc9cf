"""Deliveries of events to webhook endpoints: planned here, sent by the courier."""

import sqlite3
from collections.abc import Sequence

from app.sandbox import faults
from app.sandbox.errors import InvalidParameterError
from app.sandbox.faults import Effect
from app.sandbox.json_types import Json
from app.sandbox.store import Transaction

# An endpoint that has had no successful delivery of the event (in a query on `objects`).
UNDELIVERED = (
    "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = objects.id AND d.state <> 'cancelled'"
    " AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.event = d.event"
    " AND s.endpoint = d.endpoint AND s.state = 'succeeded'))"
)

_STATES = {Effect.NEVER: "suppressed", Effect.HOLD: "held"}


def is_subscribed(endpoint: Json, event_type: str) -> bool:
    """Return whether the endpoint wants events of this type."""
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or event_type in wanted)


def plan(tx: Transaction, event: Json) -> None:
    """Plan one delivery for each endpoint that wants the event, or what a fault says instead."""
    endpoints = [
        endpoint
        for endpoint in reversed(tx.all("webhook_endpoint"))
        if is_subscribed(endpoint, event["type"])
    ]
    if not endpoints:
        return
    fault = faults.strike_webhook(tx, event["type"])
    effect = fault.effect if fault else None
    delay = fault.seconds if fault and effect is Effect.LATE else 0.0
    state = _STATES.get(effect, "pending") if effect else "pending"
    for endpoint in endpoints:
        for _ in range(2 if effect is Effect.TWICE else 1):
            _add(tx, event, endpoint["id"], state=state, delay=delay, note=effect or "")


def redeliver(tx: Transaction, event_id: str) -> int:
    """Plan the event once more for every enabled endpoint, whatever faults say."""
    event = tx.get("event", event_id)
    endpoints = [one for one in tx.all("webhook_endpoint") if one["status"] == "enabled"]
    for endpoint in reversed(endpoints):
        _add(tx, event, endpoint["id"], state="pending", delay=0.0, note="redelivery")
    return len(endpoints)


def _add(
    tx: Transaction, event: Json, endpoint_id: str, *, state: str, delay: float, note: str
) -> None:
    tx.run(
        "INSERT INTO deliveries (event, type, endpoint, state, due_at, note)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        event["id"],
        event["type"],
        endpoint_id,
        state,
        tx.now + delay,
        note,
    )
    tx.wakes_courier = True


def release(tx: Transaction, order: str | Sequence[str]) -> int:
    """Let the held deliveries go: `given`, `reversed`, or as a list of types and ids says.

    What the list does not name follows in the given order.
    """
    held = tx.rows("SELECT id, event, type FROM deliveries WHERE state = 'held' ORDER BY id")
    if order == "reversed":
        held.reverse()
    elif not isinstance(order, str):
        names = list(order)
        held.sort(key=lambda row: min(_place(names, row["event"]), _place(names, row["type"])))
    elif order != "given":
        raise InvalidParameterError("order must be 'given', 'reversed' or a list")
    for position, row in enumerate(held):
        tx.run(
            "UPDATE deliveries SET state = 'pending', due_at = ?, position = ? WHERE id = ?",
            tx.now,
            position,
            row["id"],
        )
    tx.wakes_courier = True
    return len(held)


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def next_pending(tx: Transaction, endpoint_id: str) -> sqlite3.Row | None:
    """Return the delivery that is due next at an endpoint."""
    found = tx.rows(
        "SELECT * FROM deliveries WHERE endpoint = ? AND state = 'pending'"
        " ORDER BY due_at, position, id LIMIT 1",
        endpoint_id,
    )
    return found[0] if found else None


def record(
    tx: Transaction,
    delivery: sqlite3.Row,
    *,
    status: int | None,
    answer: str,
    seconds: float,
    retry_delays: Sequence[float],
) -> None:
    """Write an attempt down; plan the next one if it failed and any is left."""
    tx.run(
        "INSERT INTO attempts (delivery, at, status, answer, seconds) VALUES (?, ?, ?, ?, ?)",
        delivery["id"],
        tx.now,
        status,
        answer,
        seconds,
    )
    attempts, due_at, state = delivery["attempts"] + 1, delivery["due_at"], "pending"
    if status is not None and status // 100 == 2:  # noqa: PLR2004 - any 2xx is a success
        state = "succeeded"
    elif attempts > len(retry_delays):
        state = "failed"
    else:
        due_at = tx.now + retry_delays[attempts - 1]
    tx.run(
        "UPDATE deliveries SET attempts = ?, state = ?, due_at = ?"
        " WHERE id = ? AND state = 'pending'",
        attempts,
        state,
        due_at,
        delivery["id"],
    )


def cancel_endpoint(tx: Transaction, endpoint_id: str) -> None:
    """Drop what was still to be delivered to a deleted endpoint."""
    tx.run(
        "UPDATE deliveries SET state = 'cancelled'"
        " WHERE endpoint = ? AND state IN ('pending', 'held', 'failed', 'suppressed')",
        endpoint_id,
    )


def with_pending(tx: Transaction, event: Json) -> Json:
    """Return the event with the number of endpoints that still lack it."""
    found = tx.rows(
        "SELECT COUNT(DISTINCT endpoint) AS count FROM deliveries d"
        " WHERE event = ? AND state <> 'cancelled' AND NOT EXISTS (SELECT 1 FROM deliveries s"
        " WHERE s.event = d.event AND s.endpoint = d.endpoint AND s.state = 'succeeded')",
        event["id"],
    )
    return event | {"pending_webhooks": found[0]["count"]}


def log(tx: Transaction, *, state: str | None, event_id: str | None, limit: int) -> list[Json]:
    """Return the newest deliveries with their attempts."""
    found = tx.rows(
        "SELECT * FROM deliveries WHERE (? IS NULL OR state = ?) AND (? IS NULL OR event = ?)"
        " ORDER BY id DESC LIMIT ?",
        state,
        state,
        event_id,
        event_id,
        limit,
    )
    return [dict(row) | {"log": _attempts(tx, row["id"])} for row in found]


def _attempts(tx: Transaction, delivery_id: int) -> list[Json]:
    rows = tx.rows(
        "SELECT at, status, answer, seconds FROM attempts WHERE delivery = ? ORDER BY id",
        delivery_id,
    )
    return [dict(row) for row in rows]


def count_pending(tx: Transaction) -> int:
    """Return how many deliveries are still to be made without anybody's help."""
    return int(
        tx.rows("SELECT COUNT(*) AS count FROM deliveries WHERE state = 'pending'")[0]["count"]
    )
