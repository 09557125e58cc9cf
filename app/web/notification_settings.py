"""Which e-mails a person wants, as the settings of customers and staff share them."""

from __future__ import annotations

from flask import request

from app import notifications
from app.edge import current_scope, require_signed_in
from app.kernel import transaction
from app.notifications import OPTIONAL_KINDS, Preference
from app.web.typed import Typed
from app.web.words import gettext as _


def own_preferences() -> list[Preference]:
    """Return what the person who is signed in may turn off, and has."""
    scope, holder = current_scope(), require_signed_in()
    with transaction(scope) as session:
        return notifications.list_preferences(
            session, scope, realm=holder.realm, user_id=holder.user_id
        )


def choose_own(_typed: Typed) -> str:
    """Keep which of them she wants; what is not ticked is turned off."""
    scope, holder = current_scope(), require_signed_in()
    ticked = set(request.form.getlist("kind"))
    wanted = {kind for kind in OPTIONAL_KINDS[holder.realm] if kind.value in ticked}
    with transaction(scope) as session:
        notifications.choose_messages(
            session, scope, realm=holder.realm, user_id=holder.user_id, wanted=wanted
        )
    return _("Your choice is saved.")
