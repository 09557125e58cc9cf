"""Which e-mails a customer's user wants, and below what her company's balance counts as low."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import billing, identity
from app.edge import current_scope, require_signed_in, signed_in_required
from app.identity import CustomerRole, Realm
from app.kernel import Money, transaction
from app.web.actors import acting
from app.web.forms import Act, submitted
from app.web.notification_settings import choose_own, own_preferences
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("customer_notifications", __name__, url_prefix="/portal/settings/notifications")
signed_in_required(bp, Realm.CUSTOMER)


@bp.get("")
def notifications() -> str:
    """Show the e-mails that can be turned off and the threshold."""
    scope, holder = current_scope(), require_signed_in()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=current_user.customer_id)
    return render_template(
        "customer/notifications.html",
        preferences=own_preferences(),
        threshold=Money(wallet.low_balance_minor, wallet.currency),
        is_owner=holder.role == CustomerRole.OWNER.value,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Change her e-mails; the threshold is refused to everybody but owners."""
    acts: dict[str, Act] = {"emails": choose_own, "threshold": _set_threshold}
    return submitted(acts, page=notifications, to=url_for("customer_notifications.notifications"))


def _set_threshold(typed: Typed) -> str:
    scope, actor = current_scope(), acting()
    customer_id = current_user.customer_id
    with transaction(scope) as session:
        identity.require_customer_owner(session, scope, customer_id=customer_id, actor=actor)
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.set_low_balance(
            session,
            scope,
            wallet_id=wallet.id,
            threshold=typed.money("threshold", wallet.currency),
            actor=actor,
        )
    return _("The threshold is set.")
