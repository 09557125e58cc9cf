"""A person's own account, one page in each realm: name, password, second factor, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import (
    ACCOUNT_PATHS,
    Allowance,
    current_brand,
    current_ports,
    require_own_hand,
    signed_in_required,
)
from app.identity import OWNER_ROLE, OwnSession, Realm
from app.kernel import transaction
from app.tenancy import TenantScope
from app.web.account_acts import OF_CUSTOMERS, OF_THOSE_WHO_WORK_HERE, myself
from app.web.app_codes import app_key
from app.web.forms import submitted
from app.web.words import gettext as _

_NAMES = {
    Realm.CUSTOMER: "customer_account",
    Realm.STAFF: "staff_account",
    Realm.PLATFORM: "platform_account",
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the page lists it."""

    name: str
    title: str
    host: str
    since: datetime
    last_seen_at: datetime
    is_this: bool


def account() -> str:
    """Show her own account; nobody who acts for her may look."""
    require_own_hand()
    me, now = myself(), current_ports().clock()
    realm, user_id = me.holder.realm, me.holder.user_id
    visits = None
    with transaction(me.scope) as session:
        factor = identity.second_factor_state(session, me.scope, realm=realm, user_id=user_id)
        sessions = identity.list_sessions(
            session, me.scope, realm=realm, user_id=user_id, token=me.token, now=now
        )
        secret = identity.begun_secret(
            session,
            me.scope,
            realm=realm,
            user_id=user_id,
            token=me.token,
            box=current_ports().secrets,
        )
        if me.holder.customer_id is not None and isinstance(me.scope, TenantScope):
            visits = identity.list_visits(
                session, me.scope, customer_id=me.holder.customer_id, now=now
            )
    brand = current_brand().name
    return render_template(
        "account.html",
        name=me.holder.name,
        email=me.holder.email,
        factor=factor,
        key=app_key(secret, account=me.holder.email, issuer=brand) if secret else None,
        sessions=session_rows(sessions),
        visits=visits,
        demand=_may_demand(realm, me.holder.role),
        company_url=url_for("customer_settings.settings") if realm is Realm.CUSTOMER else None,
    )


def change() -> ResponseReturnValue:
    """Do one of the things that the page offers."""
    realm = myself().holder.realm
    acts = OF_CUSTOMERS if realm is Realm.CUSTOMER else OF_THOSE_WHO_WORK_HERE
    return submitted(acts, page=account, to=ACCOUNT_PATHS[realm])


def session_rows(sessions: Sequence[OwnSession]) -> list[SessionRow]:
    """Return sessions with their browsers in words."""
    return [
        SessionRow(
            name=each.name,
            title=_title(each.browser),
            host=each.host,
            since=each.since,
            last_seen_at=each.last_seen_at,
            is_this=each.is_this,
        )
        for each in sessions
    ]


def _title(browser: str) -> str:
    name, _slash, system = browser.partition("/")
    if name and system:
        return _("%(browser)s on %(system)s", browser=name, system=system)
    return name or system or _("An unknown browser")


def _may_demand(realm: Realm, role: str | None) -> bool | None:
    """Return whether she may demand second factors; None where nobody demands them."""
    if realm is Realm.CUSTOMER:
        return None
    return realm is Realm.PLATFORM or role == OWNER_ROLE


def _pages(realm: Realm) -> Blueprint:
    blueprint = Blueprint(_NAMES[realm], __name__, url_prefix=ACCOUNT_PATHS[realm])
    # Passwords and codes are asked for here, so guesses count as they do at the door.
    signed_in_required(blueprint, realm, allowance=Allowance.SIGN_IN)
    blueprint.add_url_rule("", "account", account, methods=["GET"])
    blueprint.add_url_rule("", "change", change, methods=["POST"])
    return blueprint


customer, staff, platform = (_pages(realm) for realm in Realm)
