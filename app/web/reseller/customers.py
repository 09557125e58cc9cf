"""The reseller's customers: the list, and everything about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import billing, identity
from app.edge import (
    current_brand,
    current_ports,
    current_scope,
    require_signed_in,
    signed_in_required,
)
from app.identity import Realm
from app.kernel import BadCursorError, read_cursor, transaction
from app.pricing import NothingSoldError, offered_fees, tax_terms
from app.web.actors import acting
from app.web.company import SUBJECT_ACTS, USER_ACTS
from app.web.forms import Act, submitted
from app.web.reseller.customer_acts import ACTS
from app.web.rows import transaction_row
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_customers", __name__, url_prefix="/reseller/customers")
signed_in_required(bp, Realm.STAFF)

RECENT = 12


@bp.get("")
def customers() -> str:
    """List the customers with what they hold, newest first; a fixed number of queries."""
    scope, search = current_scope(), request.args.get("q", "").replace("\0", "").strip()
    with transaction(scope) as session:
        try:
            currency = tax_terms(session, scope, at=current_ports().clock())[0]
        except NothingSoldError:
            currency = None
        is_open = identity.is_registration_open(session, scope)
        page = (
            billing.customer_page(
                session, scope, currency=currency, search=search, before=_before()
            )
            if currency
            else None
        )
    here = url_for("reseller_customers.customers", q=search or None)
    cursor = page.next_cursor if page else None
    older = url_for("reseller_customers.customers", q=search or None, before=cursor)
    return render_template(
        "reseller/customers.html",
        customers=page.rows if page else [],
        can_add=currency is not None,
        is_open=is_open,
        has_terms=bool(current_brand().terms_url),
        search=search,
        older_url=older if cursor else None,
        newest_url=here if request.args.get("before") else None,
    )


@bp.post("")
def add() -> ResponseReturnValue:
    """Add a customer with an empty wallet, or say whether customers may register themselves."""
    acts: dict[str, Act] = {"customer": _add, "registration": _set_registration}
    return submitted(acts, page=customers, to=url_for("reseller_customers.customers"))


@bp.get("/<uuid:customer_id>")
def customer(customer_id: UUID) -> str:
    """Show all about a customer: credit, limits, contracts, lines, people, charges."""
    scope, now = current_scope(), current_ports().clock()
    before = read_cursor(request.args.get("before"))
    with transaction(scope) as session:
        found = identity.get_customer(session, scope, customer_id=customer_id)
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        history = billing.wallet_history(session, scope, wallet=wallet, before=before, size=RECENT)
        subjects = identity.list_subjects(session, scope, customer_id=customer_id)
        holders = identity.find_customers(
            session, scope, [(each.subject, now) for each in subjects]
        )
        fees = offered_fees(session, scope, at=now)
        context = {
            "credit": billing.wallet_credit(session, scope, wallet=wallet, now=now),
            "limits": billing.wallet_limits(session, scope, wallet=wallet),
            "caps": billing.list_caps(session, scope, wallet=wallet, now=now),
            "contracts": billing.list_contracts(session, scope, wallet_id=wallet.id),
            "adjustments": billing.list_adjustments(session, scope, wallet_id=wallet.id),
            "own": billing.own_balance(session, scope, currency=wallet.currency),
            "users": identity.list_customer_users(session, scope, customer_id=customer_id),
        }
    here = url_for("reseller_customers.customer", customer_id=customer_id)
    return render_template(
        "reseller/customer.html",
        customer=found,
        wallet=wallet,
        rows=[transaction_row(row, charge_page="reseller_charges.charge") for row in history.rows],
        subjects=list(zip(subjects, _is_latest(subjects, holders, customer_id), strict=True)),
        older_url=f"{here}?before={history.next_cursor}" if history.next_cursor else None,
        newest_url=here if before else None,
        fee_names=dict(fees),
        fee_options=[(title, fee) for fee, title in fees],
        request_key=str(uuid4()),
        may_act=require_signed_in().role in identity.ACTING_ROLES,
        now=now,
        **context,
    )


@bp.post("/<uuid:customer_id>")
def change(customer_id: UUID) -> ResponseReturnValue:
    """Do one of the things that the page offers."""
    acts = {
        name: partial(act, customer_id)
        for name, act in {**ACTS, **SUBJECT_ACTS, **USER_ACTS}.items()
    }
    return submitted(
        acts,
        page=partial(customer, customer_id),
        to=url_for("reseller_customers.customer", customer_id=customer_id),
    )


def _set_registration(typed: Typed) -> str:
    scope, is_open = current_scope(), typed.is_ticked("is_open")
    with transaction(scope) as session:
        identity.set_registration(session, scope, is_open=is_open, actor=acting())
    if is_open:
        return _("Customers may register by themselves now.")
    return _("Customers come by invitation only now.")


def _is_latest(
    subjects: Sequence[identity.Subject], holders: Sequence[UUID | None], customer_id: UUID
) -> list[bool]:
    """Return of each assignment, newest first, whether it is the one that holds now."""
    latest: list[bool] = []
    seen: set[str] = set()
    for subject, holder in zip(subjects, holders, strict=True):
        is_first = subject.subject not in seen
        seen.add(subject.subject)
        latest.append(is_first and holder == customer_id)
    return latest


def _before() -> UUID | None:
    text = request.args.get("before")
    try:
        return UUID(text) if text else None
    except ValueError as damaged:
        raise BadCursorError(cursor=str(text)[:40]) from damaged


def _add(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        currency = tax_terms(session, scope, at=current_ports().clock())[0]
        added = identity.add_customer(
            session, scope, number=typed.text("number"), name=typed.text("name"), actor=acting()
        )
        billing.open_wallet(session, scope, customer_id=added.id, currency=currency)
    return _("“%(name)s” is a customer now. Invite a person of theirs next.", name=added.name)
