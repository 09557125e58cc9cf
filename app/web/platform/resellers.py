"""The platform's view of its resellers: agreement, sold plan, bonuses, statements."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import commissions, pricing
from app.billing import customer_counts
from app.commissions import Basis, BonusKind, BonusTerms, Step
from app.edge import current_ports, current_site, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.onboarding import require_note
from app.tenancy import (
    PlatformScope,
    StateCause,
    TenantScope,
    change_state,
    get_reseller,
    list_resellers,
)
from app.web.actors import acting
from app.web.forgotten_hosts import forget_hosts
from app.web.forms import submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("platform_resellers", __name__, url_prefix="/admin/resellers")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()
# One currency until requirement L4 brings conversion.
CURRENCY = "EUR"


@bp.get("")
def resellers() -> str:
    """List every reseller, each followed by those below it."""
    with transaction(_PLATFORM) as session:
        counts = customer_counts(session, _PLATFORM)
        found = list_resellers(session, _PLATFORM)
    return render_template(
        "platform/resellers.html",
        resellers=found,
        counts=counts,
        domain=current_site().host,
    )


@bp.get("/<slug>")
def reseller(slug: str) -> str:
    """Show what is agreed with a reseller, and what it earned month by month."""
    now = current_ports().clock()
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        scope = TenantScope(tenant.id, _PLATFORM.sign_in)
        agreed = commissions.agreements_of(session, scope)
        sold = pricing.sold_offers(session, scope)
        bonuses = commissions.bonus_history(session, scope)
        statements = commissions.list_statements(session, scope)
        plans = pricing.plans(session, _PLATFORM, at=now)
    current = commissions.agreed_at(agreed, now)
    return render_template(
        "platform/reseller.html",
        reseller=tenant,
        domain=current_site().host,
        now=now,
        currency=CURRENCY,
        current=current,
        agreements=sorted(agreed.items(), reverse=True),
        sold=sold,
        bonuses=bonuses,
        statements=statements,
        plans=[(plan.slug, plan.slug) for plan in plans],
    )


@bp.post("/<slug>")
def change(slug: str) -> ResponseReturnValue:
    """Agree a commission or a bonus, or let another plan be sold, from a day on."""
    acts = {
        name: partial(act, slug)
        for name, act in (
            ("agreement", _agree),
            ("plan", _sell),
            ("bonus", _set_bonus),
            ("suspend", _suspend),
            ("resume", _resume),
        )
    }
    return submitted(
        acts, page=partial(reseller, slug), to=url_for("platform_resellers.reseller", slug=slug)
    )


def _agree(slug: str, typed: Typed) -> str:
    now = current_ports().clock()
    steps = [
        Step(row.money(above, CURRENCY).minor, row.share(rate))
        for row, above, rate in typed.pairs("above", "step_rate")
    ]
    with transaction(_PLATFORM) as session:
        commissions.agree_commission(
            session,
            _PLATFORM,
            reseller_id=get_reseller(session, _PLATFORM, slug=slug).id,
            rate=typed.share("rate"),
            valid_from=typed.since("valid_from", now=now),
            steps=steps,
            basis=typed.choice("basis", Basis),
        )
    return _("The commission is agreed.")


def _sell(slug: str, typed: Typed) -> str:
    now, plan = current_ports().clock(), typed.text("plan")
    with transaction(_PLATFORM) as session:
        pricing.sell_offer(
            session,
            _PLATFORM,
            reseller_id=get_reseller(session, _PLATFORM, slug=slug).id,
            offer_id=pricing.get_offer(session, _PLATFORM, slug=plan).id,
            valid_from=typed.since("valid_from", now=now),
        )
    return _("The plan “%(plan)s” is sold from then on.", plan=plan)


def _set_bonus(slug: str, typed: Typed) -> str:
    now, kind = current_ports().clock(), typed.choice("kind", BonusKind)
    terms = BonusTerms(
        typed.money("amount", CURRENCY),
        typed.optional_whole("months") if kind is BonusKind.RETENTION else None,
        typed.optional_money("threshold", CURRENCY) if kind is BonusKind.HIGH_USAGE else None,
    )
    with transaction(_PLATFORM) as session:
        commissions.set_bonus(
            session,
            _PLATFORM,
            kind=kind,
            terms=terms,
            valid_from=typed.since("valid_from", now=now),
            reseller_id=get_reseller(session, _PLATFORM, slug=slug).id,
        )
    return _("The bonus is agreed.")


def _suspend(slug: str, typed: Typed) -> str:
    _change_state(slug, StateCause.SUSPENDED, note=require_note(typed.optional_text("note")))
    return _("The site is closed. Its team signs in and reads the reason.")


def _resume(slug: str, _typed: Typed) -> str:
    _change_state(slug, StateCause.RESUMED)
    return _("The site is open again.")


def _change_state(slug: str, cause: StateCause, *, note: str = "") -> None:
    with transaction(_PLATFORM) as session:
        tenant = get_reseller(session, _PLATFORM, slug=slug)
        change_state(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            cause=cause,
            note=note,
            now=current_ports().clock(),
            actor=acting(),
        )
    forget_hosts(tenant)
