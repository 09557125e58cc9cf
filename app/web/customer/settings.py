"""What the customer's owners decide: spending limits and people; contracts to look at."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import billing, identity
from app.edge import (
    current_ports,
    current_scope,
    is_acting,
    open_to_acting,
    require_own_hand,
    require_signed_in,
    signed_in_required,
)
from app.identity import CustomerRole, Realm
from app.kernel import transaction
from app.pricing import offered_fees
from app.web.actors import acting
from app.web.company import USER_ACTS, set_cap
from app.web.forms import submitted
from app.web.typed import Typed

bp = Blueprint("customer_settings", __name__, url_prefix="/portal/settings")
signed_in_required(bp, Realm.CUSTOMER)
open_to_acting(bp, "change")

_OPEN_TO_ACTING = {"cap"}


@bp.get("")
def settings() -> str:
    """Show limits, contracts and people; a member looks, an owner changes."""
    scope, now, holder = current_scope(), current_ports().clock(), require_signed_in()
    customer_id = _customer_id()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        caps = billing.list_caps(session, scope, wallet=wallet, now=now)
        contracts = billing.list_contracts(session, scope, wallet_id=wallet.id)
        fees = offered_fees(session, scope, at=now)
        users = identity.list_customer_users(session, scope, customer_id=customer_id)
    return render_template(
        "customer/settings.html",
        currency=wallet.currency,
        caps=caps,
        contracts=contracts,
        fee_names=dict(fees),
        users=users,
        me=holder.user_id,
        is_owner=holder.role == CustomerRole.OWNER.value,
        may_change_people=holder.role == CustomerRole.OWNER.value and not is_acting(),
        now=now,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Change a limit or a person; refused to everybody but owners.

    Whoever acts for the customer changes limits alone.
    """
    if request.form.get("form") not in _OPEN_TO_ACTING:
        require_own_hand()
    acts = {
        name: partial(act, _customer_id()) for name, act in {"cap": _set_cap, **USER_ACTS}.items()
    }
    return submitted(acts, page=settings, to=url_for("customer_settings.settings"))


def _set_cap(customer_id: UUID, typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        identity.require_customer_owner(session, scope, customer_id=customer_id, actor=acting())
    return set_cap(customer_id, typed)


def _customer_id() -> UUID:
    holder = require_signed_in()
    if holder.customer_id is None:
        raise identity.CustomerNotFoundError
    return holder.customer_id
