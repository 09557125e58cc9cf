"""The reseller's API keys: made with a name and scopes, shown once, ended; when each was used."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import ApiScope, Realm
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import Act, ShownOnce, submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_keys", __name__, url_prefix="/reseller/api-keys")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def keys() -> str:
    """List the keys, newest first, the revoked ones too."""
    scope = current_scope()
    with transaction(scope) as session:
        found = identity.list_api_keys(session, scope)
    return render_template(
        "reseller/api_keys.html", keys=found, scopes=[scope.value for scope in ApiScope]
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Make a key, whose secret is shown this once, or end one."""
    acts: dict[str, Act] = {"make": _make, "revoke": _revoke}
    return submitted(acts, page=keys, to=url_for("reseller_keys.keys"))


def _make(typed: Typed) -> ShownOnce:
    scope = current_scope()
    with transaction(scope) as session:
        key, secret = identity.make_api_key(
            session,
            scope,
            name=typed.text("name"),
            scopes=request.form.getlist("scope"),
            actor=acting(),
        )
    return ShownOnce(_("The key “%(name)s” is made.", name=key.name), _("Secret"), secret)


def _revoke(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        identity.revoke_api_key(
            session,
            scope,
            key_id=typed.identifier("key"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The key is revoked: nothing is taken from it any more.")
