"""The queue of resellers on trial: who they are, and what the platform decides about them."""

from __future__ import annotations

from functools import partial

from babel import Locale
from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app import onboarding, tenancy
from app.edge import address_of, current_edge, current_ports, current_site, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.onboarding import SignUpNotFoundError
from app.tenancy import PlatformScope, TenantScope, get_reseller
from app.web.actors import acting
from app.web.forgotten_hosts import forget_hosts
from app.web.forms import submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("applications", __name__, url_prefix="/admin/applications")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()


@bp.get("")
def queue() -> str:
    """List who waits for a decision, the longest first, and what was decided last."""
    with transaction(_PLATFORM) as session:
        waiting = onboarding.list_waiting(session, _PLATFORM)
        decided = onboarding.list_decided(session, _PLATFORM)
    return render_template(
        "platform/applications.html",
        waiting=waiting,
        decided=decided,
        domain=current_site().host,
        now=current_ports().clock(),
        is_open=current_edge().options.sign_up.is_open,
    )


@bp.get("/<slug>")
def application(slug: str) -> str:
    """Show who somebody on trial is, and how her site looks."""
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        found = onboarding.application_of(session, _PLATFORM, reseller_id=tenant.id)
        scope = TenantScope(tenant.id, _PLATFORM.sign_in)
        questions = onboarding.list_questions(session, scope)
        changes = tenancy.state_changes(session, scope)
    if found is None:
        raise SignUpNotFoundError
    return render_template(
        "platform/application.html",
        application=found,
        tenant=tenant,
        questions=questions,
        changes=changes,
        country=_locale().territories.get(found.country, found.country),
        host=f"{slug}.{current_site().host}",
        address=address_of(f"{slug}.{current_site().host}"),
        now=current_ports().clock(),
    )


@bp.post("/<slug>")
def decide(slug: str) -> ResponseReturnValue:
    """Approve, refuse with a reason, or ask back."""
    acts = {
        name: partial(act, slug)
        for name, act in (("approve", _approve), ("refuse", _refuse), ("ask", _ask))
    }
    return submitted(
        acts,
        page=partial(application, slug),
        to=url_for("applications.application", slug=slug),
    )


def _locale() -> Locale:
    return get_locale() or Locale("de")


def _approve(slug: str, _typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        onboarding.approve(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            now=current_ports().clock(),
            actor=acting(),
        )
    forget_hosts(tenant)
    return _("%(name)s is approved: the limits of the trial are gone.", name=tenant.name)


def _refuse(slug: str, typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        onboarding.refuse(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            reason=typed.optional_text("note"),
            now=current_ports().clock(),
            actor=acting(),
        )
    forget_hosts(tenant)
    return _("%(name)s is refused: its site is closed.", name=tenant.name)


def _ask(slug: str, typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        onboarding.ask_back(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            question=typed.optional_text("note"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The question is in the portal of %(name)s.", name=tenant.name)
