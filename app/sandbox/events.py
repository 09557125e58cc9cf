"""Events: what happened, kept for listing and sent to webhook endpoints."""

import copy

from app.sandbox import deliveries, listing
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params
from app.sandbox.store import Transaction

API_VERSION = "2026-10-28.endive"


def emit(tx: Transaction, event_type: str, thing: Json, previous: Json | None = None) -> Json:
    """Record that something happened to `thing` and plan the deliveries."""
    data: Json = {"object": copy.deepcopy(thing)}
    if previous is not None:
        data["previous_attributes"] = previous
    event = tx.save(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": tx.timestamp,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": tx.caller.request_id,
                "idempotency_key": tx.caller.idempotency_key,
            },
            "type": event_type,
        }
    )
    deliveries.plan(tx, event)
    return event


def retrieve(tx: Transaction, params: Params, event_id: str) -> Json:
    """Return one event."""
    params.only()
    return deliveries.with_pending(tx, tx.get("event", event_id))


def list_events(tx: Transaction, params: Params) -> Json:
    """Return events, newest first, by type and by whether all deliveries succeeded."""
    params.only(*listing.PAGING, "created", "type", "types", "delivery_success")
    conditions: list[listing.Condition] = []
    types = params.texts("types") if params.has("types") else []
    if params.text("type") is not None:
        types.append(params.need_text("type"))
    if types:
        patterns = [name.replace("[", "[[]").replace("?", "[?]") for name in types]
        glob = " OR ".join("json_extract(body, '$.type') GLOB ?" for _ in patterns)
        conditions.append((f"({glob})", tuple(patterns)))
    if params.text("delivery_success") is not None:
        negation = "NOT " if params.flag("delivery_success") else ""
        conditions.append((f"{negation}{deliveries.UNDELIVERED}", ()))
    page = listing.page(tx, params, "event", "/v1/events", conditions=conditions)
    page["data"] = [deliveries.with_pending(tx, event) for event in page["data"]]
    return page
