"""The platform's own API keys: its meters post for every reseller."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import current_ports, signed_in_required
from app.identity import ApiScope, Realm
from app.kernel import transaction
from app.tenancy import PlatformScope
from app.web.actors import acting
from app.web.forms import Act, ShownOnce, submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("platform_keys", __name__, url_prefix="/admin/api-keys")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()


@bp.get("")
def keys() -> str:
    """List the keys, newest first, the revoked ones too."""
    with transaction(_PLATFORM) as session:
        found = identity.list_platform_api_keys(session, _PLATFORM)
    return render_template(
        "platform/api_keys.html", keys=found, scopes=[scope.value for scope in ApiScope]
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Make a key, whose secret is shown this once, or end one."""
    acts: dict[str, Act] = {"make": _make, "revoke": _revoke}
    return submitted(acts, page=keys, to=url_for("platform_keys.keys"))


def _make(typed: Typed) -> ShownOnce:
    with transaction(_PLATFORM) as session:
        key, secret = identity.make_platform_api_key(
            session,
            _PLATFORM,
            name=typed.text("name"),
            scopes=request.form.getlist("scope"),
            actor=acting(),
        )
    return ShownOnce(_("The key “%(name)s” is made.", name=key.name), _("Secret"), secret)


def _revoke(typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        identity.revoke_platform_api_key(
            session,
            _PLATFORM,
            key_id=typed.identifier("key"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The key is revoked: nothing is taken from it any more.")
