"""What somebody who acts for a customer may do: look at all of the portal, change what was opened.

A form is refused unless its blueprint opened it, so that a page nobody thought of is closed. Each
one that was sent is written down with both ids, the refused ones too (requirement F2).
"""

from typing import cast

from flask import Blueprint, Flask, Response, after_this_request, current_app, request
from flask.blueprints import BlueprintSetupState

from app import identity
from app.edge.browser_sessions import BrowserSessions, realm_of_path
from app.edge.errors import ActingForbiddenError
from app.edge.forgery import SAFE_METHODS
from app.edge.signed_in import signed_in
from app.edge.site_guard import current_scope, site_or_none
from app.identity import Realm
from app.kernel import transaction

_EXTENSION = "kontor.open_to_acting"


def open_to_acting(blueprint: Blueprint, *views: str) -> None:
    """Say which views of a blueprint somebody may send forms to who acts for a customer."""

    def remember(state: BlueprintSetupState) -> None:
        opened = state.app.extensions.setdefault(_EXTENSION, set())
        opened.update(f"{state.name}.{view}" for view in views)

    blueprint.record(remember)


def continue_as_customer(token: str) -> None:
    """Let this answer sign the browser in as a customer: `token` is that of a visit's session."""

    @after_this_request
    def plant(response: Response) -> Response:
        kept = cast("BrowserSessions", current_app.session_interface)
        kept.plant(response, realm=Realm.CUSTOMER, token=token)
        return response


def guard_acting(app: Flask) -> None:
    """Watch over every form that is sent on behalf of a customer."""
    app.before_request(_watch)


def is_acting() -> bool:
    """Return whether whoever is signed in acts for a customer."""
    holder = signed_in()
    return holder is not None and holder.acting_staff_id is not None


def require_own_hand() -> None:
    """Refuse whoever acts for a customer: this is the customer's own to see or to do."""
    if is_acting():
        raise ActingForbiddenError


def _watch() -> None:
    if request.method in SAFE_METHODS or site_or_none() is None:
        return
    if realm_of_path(request.path) is not Realm.CUSTOMER:
        return
    holder = signed_in()
    if holder is None or holder.acting_staff_id is None or holder.visit_id is None:
        return
    endpoint = request.endpoint or ""
    is_open = endpoint in current_app.extensions.get(_EXTENSION, set())
    scope = current_scope()
    with transaction(scope) as session:
        identity.note_acted(
            session,
            scope,
            staff_id=holder.acting_staff_id,
            user_id=holder.user_id,
            visit_id=holder.visit_id,
            endpoint=endpoint,
            is_refused=not is_open,
        )
    if not is_open:
        raise ActingForbiddenError
