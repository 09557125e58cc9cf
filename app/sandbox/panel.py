"""`/_sandbox/`: the developer's page and the switches behind it. Never part of Stripe's API."""

import secrets
from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox import clock, currencies, deliveries, faults
from app.sandbox.errors import ApiError, InvalidParameterError
from app.sandbox.json_types import Json
from app.sandbox.store import Store, Transaction

_SHOWN = 50

View = Callable[[Transaction, Mapping[str, object]], Json]


def build(store: Store) -> Blueprint:
    """Return the blueprint of `/_sandbox`."""
    blueprint = Blueprint("panel", __name__, url_prefix="/_sandbox")
    blueprint.add_url_rule("/", "page", partial(_page, store))
    switches: tuple[tuple[str, str, View], ...] = (
        ("GET", "/health", _health),
        ("GET", "/clock", _clock),
        ("POST", "/clock", _set_clock),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _script),
        ("DELETE", "/faults", _clear),
        ("POST", "/faults/clear", _clear),
        ("GET", "/dead", _dead),
        ("POST", "/dead", _set_dead),
        ("GET", "/deliveries", _deliveries),
        ("POST", "/deliveries/release", _release),
    )
    for method, path, view in switches:
        blueprint.add_url_rule(
            path, f"{method} {path}", partial(_switch, store, view), methods=[method]
        )
    blueprint.add_url_rule(
        "/events/<event_id>/deliver",
        "deliver",
        partial(_deliver, store),
        methods=["POST"],
    )
    return blueprint


def _switch(store: Store, view: View) -> AnyResponse:
    """Answer with JSON, or lead a form of the page back to it."""
    _refuse_foreign_pages()
    try:
        with store.transaction() as tx:
            body = view(tx, _values())
    except ApiError as error:
        return _as(jsonify(error.body()), error.status)
    return redirect("/_sandbox/", 303) if _is_form() else jsonify(body)


def _deliver(store: Store, event_id: str) -> AnyResponse:
    return _switch(store, lambda tx, _: {"deliveries": deliveries.redeliver(tx, event_id)})


def _values() -> Mapping[str, object]:
    if request.is_json:
        values = request.get_json(silent=True)
        if not isinstance(values, dict):
            raise InvalidParameterError("The body must be a JSON object")
        return values
    return {**request.args.to_dict(), **request.form.to_dict()}


def _is_form() -> bool:
    return request.mimetype == "application/x-www-form-urlencoded" and request.method == "POST"


def _refuse_foreign_pages() -> None:
    """Refuse what another site's page asks for in the developer's browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def _as(response: Response, status: int) -> Response:
    response.status_code = status
    return response


def _health(tx: Transaction, _: Mapping[str, object]) -> Json:
    return {"status": "ready", "time": tx.now}


def _clock(tx: Transaction, _: Mapping[str, object]) -> Json:
    return {"now": tx.now, "ahead": clock.offset(tx)}


def _set_clock(tx: Transaction, values: Mapping[str, object]) -> Json:
    if values.get("reset"):
        clock.reset(tx)
        return _clock(tx, values)
    try:
        seconds = float(str(values.get("advance")))
    except ValueError as refused:
        raise InvalidParameterError("advance must be a number of seconds") from refused
    if not 0 <= seconds < 10**9:
        raise InvalidParameterError("advance must be a number of seconds from 0")
    clock.advance(tx, seconds)
    return _clock(tx, values)


def _faults(tx: Transaction, _: Mapping[str, object]) -> Json:
    return {"faults": [faults.as_json(fault) for fault in faults.scripted(tx)]}


def _script(tx: Transaction, values: Mapping[str, object]) -> Json:
    return faults.as_json(faults.script(tx, values))


def _clear(tx: Transaction, values: Mapping[str, object]) -> Json:
    fault_id = values.get("id")
    return {"cleared": faults.clear(tx, str(fault_id) if fault_id else None)}


def _dead(tx: Transaction, _: Mapping[str, object]) -> Json:
    return {"dead": faults.is_dead(tx)}


def _set_dead(tx: Transaction, values: Mapping[str, object]) -> Json:
    is_on = str(values.get("on", "")).lower() in {"true", "1", "on"}
    faults.set_dead(tx, str(values.get("mode") or "503") if is_on else None)
    return _dead(tx, values)


def _deliveries(tx: Transaction, values: Mapping[str, object]) -> Json:
    state, event_id = values.get("state"), values.get("event")
    found = deliveries.log(
        tx,
        state=str(state) if state else None,
        event_id=str(event_id) if event_id else None,
        limit=min(int(str(values.get("limit", 100))), 1000),
    )
    return {"deliveries": found, "pending": deliveries.count_pending(tx)}


def _release(tx: Transaction, values: Mapping[str, object]) -> Json:
    order = values.get("order", "given")
    if isinstance(order, list):
        return {"released": deliveries.release(tx, [str(name) for name in order])}
    return {"released": deliveries.release(tx, str(order))}


def _page(store: Store) -> Response:
    nonce = secrets.token_urlsafe(16)
    with store.transaction() as tx:
        html = render_template(
            "panel.html",
            nonce=nonce,
            now=tx.now,
            ahead=clock.offset(tx),
            dead=faults.is_dead(tx),
            faults=faults.scripted(tx),
            payments=[_payment(tx, intent) for intent in tx.all("payment_intent", _SHOWN)],
            sessions=tx.all("checkout.session", _SHOWN),
            events=[_event(tx, event) for event in tx.all("event", _SHOWN)],
            endpoints=tx.all("webhook_endpoint"),
        )
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def _payment(tx: Transaction, intent: Json) -> Json:
    charge = tx.find("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    card = charge["payment_method_details"]["card"] if charge else None
    return intent | {
        "amount_text": currencies.formatted(intent["amount"], intent["currency"]),
        "card_text": f"{card['brand']} ···· {card['last4']}" if card else "",
        "failure": (charge or {}).get("failure_message") or "",
    }


def _event(tx: Transaction, event: Json) -> Json:
    return event | {
        "about": event["data"]["object"]["id"],
        "deliveries": deliveries.log(tx, state=None, event_id=event["id"], limit=_SHOWN),
    }
