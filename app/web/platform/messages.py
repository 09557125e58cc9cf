"""E-mails of all sites: what failed, and the domains that wait for verification."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import notifications
from app.edge import current_brand, current_ports, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope, list_resellers
from app.web.actors import acting
from app.web.forms import Act, submitted
from app.web.messages import read_messages
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("platform_messages", __name__, url_prefix="/admin/messages")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()


@bp.get("")
def messages() -> str:
    """List the e-mails of all sites by state, newest first, and every sending domain."""
    post = current_ports().post
    with transaction(_PLATFORM) as session:
        found = read_messages(session, _PLATFORM, endpoint="platform_messages.messages")
        domains = notifications.list_all_sending_domains(session, _PLATFORM)
        names: dict[UUID, str] = {
            tenant.id: tenant.name for tenant in list_resellers(session, _PLATFORM)
        }
    names[PLATFORM_ID] = current_brand().name
    return render_template(
        "platform/messages.html",
        found=found,
        names=names,
        domains=[
            (row, notifications.dns_records(row, mail_domain=post.mail_domain)) for row in domains
        ],
        mail_domain=post.mail_domain,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Send an e-mail again, add the platform's own domain, verify or remove a domain."""
    acts: dict[str, Act] = {
        "retry": _retry,
        "add": _add,
        "verify": _verify,
        "remove": _remove,
    }
    return submitted(acts, page=messages, to=url_for("platform_messages.messages"))


def _retry(typed: Typed) -> str:
    scope = TenantScope(typed.identifier("reseller"))
    with transaction(scope) as session:
        notifications.retry_delivery(
            session, scope, delivery_id=typed.identifier("delivery"), now=current_ports().clock()
        )
    return _("The e-mail is being sent again.")


def _add(typed: Typed) -> str:
    scope, ports = TenantScope(PLATFORM_ID), current_ports()
    with transaction(scope) as session:
        row = notifications.add_sending_domain(
            session,
            scope,
            ports.post.keys,
            domain=typed.text("domain"),
            now=ports.clock(),
            actor=acting(),
        )
    return _("%(domain)s is added. Set its records now.", domain=row.domain)


def _verify(typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        notifications.verify_sending_domain(
            session,
            _PLATFORM,
            tenant=TenantScope(typed.identifier("reseller")),
            domain=typed.text("domain"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The domain is verified: e-mails are sent from it now.")


def _remove(typed: Typed) -> str:
    scope = TenantScope(typed.identifier("reseller"))
    with transaction(scope) as session:
        notifications.remove_sending_domain(
            session, scope, domain=typed.text("domain"), actor=acting()
        )
    return _("The domain is removed. E-mails come from the usual address again.")
