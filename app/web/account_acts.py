"""What a person does on the page of her own account, in whatever realm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from flask import render_template, request, session
from werkzeug.exceptions import NotFound

from app import identity
from app.edge import (
    ACCOUNT_PATHS,
    BrowserSession,
    current_ports,
    current_scope,
    require_signed_in,
    sign_in_scope,
)
from app.identity import SignedIn, SignInScope
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import Act, Elsewhere, Instead
from app.web.typed import Typed
from app.web.words import gettext as _
from app.web.words import ngettext


class Self(NamedTuple):
    """Whoever looks at her own account: in which scope, who she is, the token of her session."""

    scope: SignInScope
    holder: SignedIn
    token: str


def myself() -> Self:
    """Return who is signed in, with scope and token; refuses a stranger."""
    holder = require_signed_in()
    scope = sign_in_scope(holder.realm)
    if scope is None:
        raise NotFound
    return Self(scope, holder, cast("BrowserSession", session).token or "")


def rename(typed: Typed) -> str:
    """Change what she is called."""
    me = myself()
    with transaction(me.scope) as database:
        identity.rename_self(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            name=typed.text("name"),
        )
    return _("Your name is changed.")


def change_password(_typed: Typed) -> str:
    """Change her password and end her other sessions."""
    me = myself()
    with transaction(me.scope) as database:
        identity.change_password(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            old=_password(),
            new=request.form.get("new", ""),
            token=me.token,
            now=current_ports().clock(),
        )
    return _("Your password is changed. Every other session of yours has ended.")


def begin_factor(_typed: Typed) -> Elsewhere:
    """Show her a key for an app, once she has said her password."""
    me = myself()
    realm, user_id = me.holder.realm, me.holder.user_id
    with transaction(me.scope) as database:
        identity.require_own_password(
            database, me.scope, realm=realm, user_id=user_id, password=_password()
        )
        identity.begin_second_factor(
            database,
            me.scope,
            realm=realm,
            user_id=user_id,
            token=me.token,
            box=current_ports().secrets,
        )
    # The picture itself says what to do next.
    return Elsewhere(f"{ACCOUNT_PATHS[realm]}#second-factor")


def confirm_factor(typed: Typed) -> Instead:
    """Turn her second factor on by its first code; the recovery codes are shown this once."""
    me = myself()
    with transaction(me.scope) as database:
        codes = identity.confirm_second_factor(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            token=me.token,
            code=typed.optional_text("code"),
            box=current_ports().secrets,
            now=current_ports().clock(),
        )
    return _codes_page(me, codes)


def cancel_factor(_typed: Typed) -> str:
    """Forget a key that she has begun and not confirmed."""
    me = myself()
    with transaction(me.scope) as database:
        identity.cancel_second_factor(
            database, me.scope, realm=me.holder.realm, user_id=me.holder.user_id
        )
    return _("The second factor stays off.")


def turn_factor_off(_typed: Typed) -> str:
    """Turn her second factor off."""
    me = myself()
    with transaction(me.scope) as database:
        identity.turn_off_second_factor(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            password=_password(),
        )
    return _("The second factor is off.")


def renew_codes(_typed: Typed) -> Instead:
    """Make new recovery codes, shown this once."""
    me = myself()
    with transaction(me.scope) as database:
        codes = identity.renew_recovery_codes(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            password=_password(),
        )
    return _codes_page(me, codes)


def end_session(typed: Typed) -> str:
    """Sign her out in one other place."""
    me = myself()
    with transaction(me.scope) as database:
        identity.end_session(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            name=typed.optional_text("session"),
            now=current_ports().clock(),
        )
    return _("The session has ended.")


def end_other_sessions(_typed: Typed) -> str:
    """Sign her out everywhere but here."""
    me = myself()
    with transaction(me.scope) as database:
        ended = identity.end_other_sessions(
            database,
            me.scope,
            realm=me.holder.realm,
            user_id=me.holder.user_id,
            token=me.token,
            now=current_ports().clock(),
        )
    return ngettext("%(num)s other session has ended.", "%(num)s other sessions have ended.", ended)


def demand_factor(typed: Typed) -> str:
    """Demand a second factor of everybody who works here, or no longer."""
    me, is_demanded = myself(), typed.is_ticked("is_demanded")
    with transaction(me.scope) as database:
        identity.demand_second_factor(database, me.scope, is_demanded=is_demanded, actor=acting())
    if is_demanded:
        return _("Everybody who works here sets a second factor up at the next sign-in.")
    return _("A second factor is optional again.")


def end_visit(typed: Typed) -> str:
    """End a visit of the reseller's on the customer's behalf."""
    scope, customer_id = current_scope(), require_signed_in().customer_id
    if customer_id is None:
        raise identity.CustomerNotFoundError
    with transaction(scope) as database:
        identity.end_visit_of_customer(
            database,
            scope,
            customer_id=customer_id,
            visit_id=typed.identifier("visit"),
            now=current_ports().clock(),
        )
    return _("The visit has ended.")


def _password() -> str:
    # As it was typed: a password may begin with a space.
    return request.form.get("password", "")


def _codes_page(me: Self, codes: list[str]) -> Instead:
    here = ACCOUNT_PATHS[me.holder.realm]
    return Instead(render_template("recovery_codes.html", codes=codes, next_url=here))


EVERYBODYS: Mapping[str, Act] = {
    "name": rename,
    "password": change_password,
    "factor_begin": begin_factor,
    "factor_confirm": confirm_factor,
    "factor_cancel": cancel_factor,
    "factor_off": turn_factor_off,
    "codes": renew_codes,
    "session_end": end_session,
    "sessions_end": end_other_sessions,
}
OF_THOSE_WHO_WORK_HERE: Mapping[str, Act] = {**EVERYBODYS, "demand": demand_factor}
OF_CUSTOMERS: Mapping[str, Act] = {**EVERYBODYS, "visit_end": end_visit}
