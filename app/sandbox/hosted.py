"""The hosted Checkout page and the 3-D Secure page."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox import branding, card_form, checkout, clock, currencies, texts
from app.sandbox.card_form import CardForm
from app.sandbox.checkout import Result, Step
from app.sandbox.json_types import Json
from app.sandbox.store import Store, Transaction


def build(store: Store) -> Blueprint:
    """Return the blueprint of `/c` and of receipts."""
    blueprint = Blueprint("hosted", __name__)
    pay, authenticate = "/c/pay/<session_id>", "/c/authenticate/<intent_id>"
    views = (
        (pay, "GET", _show),
        (pay, "POST", _submit),
        (authenticate, "GET", _show_challenge),
        (authenticate, "POST", _submit_challenge),
        ("/receipts/<charge_id>", "GET", _show_receipt),
    )
    for path, method, view in views:
        blueprint.add_url_rule(
            path, endpoint=view.__name__, view_func=partial(view, store), methods=[method]
        )
    return blueprint


def _show(store: Store, session_id: str) -> Response:
    with store.transaction() as tx:
        session = _session(tx, session_id)
        if session["status"] != "open":
            return _closed_page(session)
        problem = _last_problem(tx, session) if request.args.get("declined") else None
        return _pay_page(tx, session, CardForm(), problem=problem)


def _submit(store: Store, session_id: str) -> AnyResponse:
    _refuse_foreign_forms()
    with store.transaction() as tx:
        session = _session(tx, session_id)
        if session["status"] != "open":
            return _closed_page(session)
        today = datetime.fromtimestamp(tx.now, UTC)
        if "fill" in request.form:
            form = card_form.filled(request.form["fill"], request.form, today.year)
            return _pay_page(tx, session, form)
        needs_email = checkout.known_email(tx, session) is None
        form = card_form.read(
            request.form, today=(today.year, today.month), needs_email=needs_email
        )
        if form.problems:
            return _pay_page(tx, session, form, status=422)
        result = checkout.pay(tx, session, card_form.entry(form, has_email=needs_email))
        return _after_payment(tx, session, form, result)


def _after_payment(tx: Transaction, session: Json, form: CardForm, result: Result) -> AnyResponse:
    if result.step is Step.PAID:
        return redirect(checkout.success_address(session), 303)
    if result.step is Step.CHALLENGE:
        return redirect(f"/c/authenticate/{result.intent}", 303)
    words = _words(session)
    problem = texts.problem(words, result.reason or "generic_decline")
    return _pay_page(tx, session, form, problem=problem, status=402)


def _show_challenge(store: Store, intent_id: str) -> Response:
    with store.transaction() as tx:
        intent, session = _intent(tx, intent_id)
        if intent["status"] != "requires_action":
            return _closed_page(session)
        return _page(
            "challenge.html",
            session,
            target=_after_challenge(intent, session, is_paid=True),
            intent=intent,
            amount=_amount(intent["amount"], intent["currency"], session),
        )


def _submit_challenge(store: Store, intent_id: str) -> AnyResponse:
    _refuse_foreign_forms()
    is_authorised = request.form.get("action") == "authorise"
    with store.transaction() as tx:
        intent, session = _intent(tx, intent_id)
        waiting = dict(intent)
        result = checkout.answer_challenge(tx, intent, is_authorised=is_authorised)
        if result.step is Step.CLOSED:
            return _closed_page(session)
        address = _after_challenge(waiting, session, is_paid=result.step is Step.PAID)
    return redirect(address, 303) if address else _closed_page(session)


def _show_receipt(store: Store, charge_id: str) -> Response:
    with store.transaction() as tx:
        charge = tx.find("charge", charge_id)
        if charge is None or not charge["paid"]:
            abort(404)
        session = checkout.session_of(tx, {"id": charge["payment_intent"]})
    refunded = charge["amount_refunded"]
    return _page(
        "receipt.html",
        session,
        charge=charge,
        amount=_amount(charge["amount"], charge["currency"], session),
        refunded=_amount(refunded, charge["currency"], session) if refunded else None,
    )


def _after_challenge(intent: Json, session: Json | None, *, is_paid: bool) -> str | None:
    """Return where the challenge leads; None where an API client named no `return_url`."""
    if session is not None:
        retry = f"/c/pay/{session['id']}?declined=1"
        return checkout.success_address(session) if is_paid else retry
    address = ((intent["next_action"] or {}).get("redirect_to_url") or {}).get("return_url")
    if address is None:
        return None
    query = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if is_paid else "failed",
        }
    )
    return f"{address}{'&' if '?' in address else '?'}{query}"


def _session(tx: Transaction, session_id: str) -> Json:
    clock.run_due(tx)
    session = tx.find("checkout.session", session_id)
    if session is None:
        abort(404)
    return session


def _intent(tx: Transaction, intent_id: str) -> tuple[Json, Json | None]:
    clock.run_due(tx)
    intent = tx.find("payment_intent", intent_id)
    if intent is None:
        abort(404)
    return intent, checkout.session_of(tx, intent)


def _last_problem(tx: Transaction, session: Json) -> str | None:
    if session["payment_intent"] is None:
        return None
    error = tx.get("payment_intent", session["payment_intent"])["last_payment_error"]
    if error is None:
        return None
    reason = str(error.get("decline_code") or error["code"])
    if reason == "payment_intent_authentication_failure":
        reason = "authentication_failed"
    return texts.problem(_words(session), reason)


def _refuse_foreign_forms() -> None:
    """Refuse forms that another site's page sent in the customer's browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def _words(session: Json | None) -> Mapping[str, str]:
    return texts.words(session, request.headers.get("Accept-Language", ""))


def _amount(amount: int, currency: str, session: Json | None) -> str:
    return currencies.formatted(amount, currency, _words(session)["language"])


def _pay_page(
    tx: Transaction,
    session: Json,
    form: CardForm,
    *,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    items = [
        item | {"total": _amount(item["amount_total"], item["currency"], session)}
        for item in tx.private(session["id"])["line_items"]
    ]
    year = datetime.fromtimestamp(tx.now, UTC).year
    return _page(
        "pay.html",
        session,
        status=status,
        target=checkout.success_address(session),
        amount=_amount(session["amount_total"], session["currency"], session),
        cards=[(number, card_form.grouped(number), word) for number, word in card_form.OFFERED],
        email=checkout.known_email(tx, session),
        expiry=card_form.filled("", {}, year).expiry,
        form=form,
        items=items,
        problem=problem,
    )


def _closed_page(session: Json | None) -> Response:
    """Say why there is nothing to pay, and where to go from here."""
    state = {"complete": "paid", "expired": "expired"}.get((session or {}).get("status", ""))
    address = None
    if session is not None and state == "paid":
        address = checkout.success_address(session)
    elif session is not None and state == "expired":
        address = session["cancel_url"]
    elif session is not None:
        address = f"/c/pay/{session['id']}"
    return _page(
        "closed.html",
        session,
        status=410 if state == "expired" else 200,
        state=state,
        address=address,
    )


def unknown_page() -> Response:
    """Say that the address leads nowhere."""
    return _page("closed.html", None, status=404, state="unknown", address=None)


def _page(
    template: str,
    session: Json | None,
    *,
    status: int = 200,
    target: str | None = None,
    **values: Any,  # noqa: ANN401 - what a template shows is its own business
) -> Response:
    nonce = secrets.token_urlsafe(16)
    branded = session or {"branding_settings": None, "metadata": {}}
    html = render_template(
        template,
        nonce=nonce,
        look=branding.look(branded),
        session=session,
        words=_words(session),
        **values,
    )
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _policy(nonce, target)
    return response


def _policy(nonce: str, target: str | None) -> str:
    """Return a policy that lets nothing in; browsers also check a form's redirect against it."""
    parts = urlsplit(target or "")
    origin = f" {parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
    return (
        f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}';"
        f" form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"
    )
