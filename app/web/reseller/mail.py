"""The domains that the reseller's e-mails are sent from, and a look at each kind of e-mail."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import identity, notifications
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.notifications import PREVIEWED_KINDS
from app.web.actors import acting
from app.web.forms import Act, submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_mail", __name__, url_prefix="/reseller/mail")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def mail() -> str:
    """Show the domains with the records to set, and the e-mails that go out."""
    scope, post = current_scope(), current_ports().post
    with transaction(scope) as session:
        domains = notifications.list_sending_domains(session, scope)
    return render_template(
        "reseller/mail.html",
        domains=[
            (row, notifications.dns_records(row, mail_domain=post.mail_domain)) for row in domains
        ],
        kinds=PREVIEWED_KINDS,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Add a domain or remove one; refused to everybody but owners."""
    acts: dict[str, Act] = {"add": _add, "remove": _remove}
    return submitted(acts, page=mail, to=url_for("reseller_mail.mail"))


def _add(typed: Typed) -> str:
    scope, ports, actor = current_scope(), current_ports(), acting()
    with transaction(scope) as session:
        identity.require_staff_owner(session, scope, actor=actor)
        row = notifications.add_sending_domain(
            session,
            scope,
            ports.post.keys,
            domain=typed.text("domain"),
            now=ports.clock(),
            actor=actor,
        )
    return _("%(domain)s is added. Set its records now.", domain=row.domain)


def _remove(typed: Typed) -> str:
    scope, actor = current_scope(), acting()
    with transaction(scope) as session:
        identity.require_staff_owner(session, scope, actor=actor)
        notifications.remove_sending_domain(
            session, scope, domain=typed.text("domain"), actor=actor
        )
    return _("The domain is removed. E-mails come from the usual address again.")
