"""The customer pays in: amount, hosted page, and back."""

from uuid import UUID, uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from app.billing import (
    GREATEST_TOP_UP,
    LEAST_TOP_UP,
    AmountRefusedError,
    PageTerms,
    TopUp,
    TopUpState,
    TrialTopUpError,
    Wallet,
    confirm_top_up,
    get_top_up,
    get_wallet,
    list_top_ups,
    start_top_up,
    wallet_credit,
)
from app.edge import (
    Allowance,
    current_brand,
    current_ports,
    current_scope,
    open_to_acting,
    signed_in_required,
    site_address,
)
from app.identity import Realm
from app.kernel import AppError, Money, transaction
from app.payments import GatewayError
from app.web.amounts import PRESETS, UnreadableAmountError, read_amount
from app.web.rows import TopUpRow, top_up_row

bp = Blueprint("top_ups", __name__, url_prefix="/portal/billing")
signed_in_required(bp, Realm.CUSTOMER, allowance=Allowance.BILLING)
open_to_acting(bp, "create")


@bp.get("")
def history() -> ResponseReturnValue:
    """List the customer's top-ups."""
    scope = current_scope()
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        credit = wallet_credit(session, scope, wallet=wallet, now=current_ports().clock())
        top_ups: list[TopUpRow] = [
            top_up_row(row) for row in list_top_ups(session, scope, wallet_id=wallet.id)
        ]
    return render_template("customer/billing.html", top_ups=top_ups, balance=credit.total)


@bp.get("/topup")
def choose() -> ResponseReturnValue:
    """Ask for the amount."""
    return _form(request_key=str(uuid4()))


@bp.post("/topup")
def create() -> ResponseReturnValue:
    """Record the intent, make the hosted page and send the customer there."""
    scope = current_scope()
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
    request_key = request.form.get("request_key", "").replace("\0", "")[:80] or str(uuid4())
    try:
        amount = read_amount(
            request.form.get("amount", ""), request.form.get("custom", ""), wallet.currency
        )
        top_up = _start(wallet, amount, request_key)
    except (UnreadableAmountError, AmountRefusedError, TrialTopUpError, GatewayError) as refused:
        return _form(request_key=request_key, refused=refused), 422
    if top_up.state == TopUpState.PENDING.value and top_up.checkout_url:
        return redirect(top_up.checkout_url, 303)
    return redirect(url_for("top_ups.result", top_up=top_up.id), 303)


@bp.get("/success")
def result() -> ResponseReturnValue:
    """Show what became of a top-up; asks the processor, as the webhook may be late (R1.1)."""
    scope = current_scope()
    top_up_id = _top_up_id(request.args.get("top_up", ""))
    with transaction(scope) as session:
        top_up = get_top_up(
            session, scope, customer_id=current_user.customer_id, top_up_id=top_up_id
        )
    if top_up.state == TopUpState.PENDING.value:
        top_up = _ask(top_up)
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        credit = wallet_credit(session, scope, wallet=wallet, now=current_ports().clock())
    return render_template(
        "customer/success.html",
        state=_shown_state(top_up, cancelled="cancelled" in request.args),
        amount=Money(top_up.amount_minor, top_up.currency),
        balance=credit.total,
        reference=str(top_up.id),
        retry_url=top_up.checkout_url,
    )


def _start(wallet: Wallet, amount: Money, request_key: str) -> TopUp:
    brand = current_brand()
    back = f"{site_address()}{url_for('top_ups.result')}?top_up={{top_up}}"
    return start_top_up(
        current_ports().gateway,
        current_scope(),
        customer_id=wallet.customer_id,
        amount=amount,
        # Whoever goes back and picks another amount means another top-up (R2.3).
        request_key=f"{request_key}:{amount.minor}",
        terms=PageTerms(
            return_address=back,
            cancel_address=f"{back}&cancelled=1",
            customer_email=current_user.email,
            description=_("Prepaid credit at %(brand)s", brand=brand.name),
            locale=str(get_locale()),
            brand_name=brand.name,
            brand_accent=brand.accent,
            statement_suffix=brand.statement_suffix,
        ),
        now=current_ports().clock(),
    )


def _ask(top_up: TopUp) -> TopUp:
    """Ask the processor; while it does not answer the page goes on waiting."""
    try:
        return confirm_top_up(
            current_ports().gateway,
            current_scope(),
            top_up_id=top_up.id,
            now=current_ports().clock(),
        )
    except GatewayError:
        return top_up


def _form(*, request_key: str, refused: AppError | None = None) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        credit = wallet_credit(session, scope, wallet=wallet, now=current_ports().clock())
    text = _(refused.text) if refused else None
    about_form = isinstance(refused, GatewayError)
    return render_template(
        "customer/topup.html",
        balance=credit.total,
        presets=[Money(minor, wallet.currency) for minor in PRESETS],
        selected=_selected(),
        custom=request.form.get("custom", ""),
        currency=wallet.currency,
        request_key=request_key,
        error=None if about_form else text,
        problem=text if about_form else None,
        minimum=Money(LEAST_TOP_UP, wallet.currency),
        maximum=Money(GREATEST_TOP_UP, wallet.currency),
    )


def _selected() -> int | str | None:
    chosen = request.form.get("amount")
    return int(chosen) if chosen and chosen.isdecimal() else chosen


def _shown_state(top_up: TopUp, *, cancelled: bool) -> str:
    shown = {
        TopUpState.SETTLED: "settled",
        TopUpState.FAILED: "failed",
        TopUpState.EXPIRED: "expired",
    }
    state = shown.get(TopUpState(top_up.state))
    if state is None and cancelled:
        return "failed" if top_up.failure else "cancelled"
    return state or "processing"


def _top_up_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
