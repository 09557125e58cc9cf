"""What is counted and sold: meters, plans, and a plan's prices, fees and bonuses by date."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import pricing
from app.edge import current_ports, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.pricing import BonusStep, CreditPurpose, Increment
from app.tenancy import PlatformScope
from app.web.forms import chosen_day, submitted
from app.web.rows import meter_name, unit_name
from app.web.steps import read_steps
from app.web.typed import Typed, UnreadableNumberError
from app.web.words import gettext as _

bp = Blueprint("plans", __name__, url_prefix="/admin/plans")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()
# Requirement L4.
CURRENCIES = ("EUR", "USD", "GBP")


@bp.get("")
def plans() -> str:
    """List what is counted and what is sold; a fixed number of queries."""
    with transaction(_PLATFORM) as session:
        meters = pricing.list_meters(session, _PLATFORM)
        found = pricing.plans(session, _PLATFORM, at=current_ports().clock())
    return render_template(
        "platform/plans.html",
        meters=meters,
        plans=found,
        currencies=[(each, each) for each in CURRENCIES],
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Add a meter or a plan."""
    acts = {"meter": _add_meter, "plan": _add_plan}
    return submitted(acts, page=plans, to=url_for("plans.plans"))


@bp.get("/<slug>")
def plan(slug: str) -> str:
    """Show a plan as it stands on a day, and every price it ever had."""
    with transaction(_PLATFORM) as session:
        found = pricing.get_plan(
            session, _PLATFORM, slug=slug, at=chosen_day() or current_ports().clock()
        )
        versions = pricing.price_history(session, _PLATFORM, offer_id=found.id)
        meters = pricing.list_meters(session, _PLATFORM)
    return render_template(
        "platform/plan.html",
        plan=found,
        versions=versions,
        meters=[
            (f"{meter_name(each.meter)} ({unit_name(each.unit)})", each.meter) for each in meters
        ],
        bonus_rows=[(step.least.amount, step.bonus.amount) for step in found.bonus_steps],
        day=request.args.get("at", ""),
        now=current_ports().clock(),
    )


@bp.post("/<slug>")
def change_plan(slug: str) -> ResponseReturnValue:
    """Set a price, a fee or what top-ups earn, from a day on."""
    acts = {
        name: partial(act, slug)
        for name, act in (("price", _set_price), ("fee", _set_fee), ("bonus", _set_bonus))
    }
    return submitted(acts, page=partial(plan, slug), to=url_for("plans.plan", slug=slug))


def _add_meter(typed: Typed) -> str:
    meter, unit, parts = typed.text("meter"), typed.text("unit"), typed.optional_whole("parts")
    with transaction(_PLATFORM) as session:
        pricing.add_meter(session, _PLATFORM, meter=meter, unit=unit, parts=parts)
    return _("“%(meter)s” is counted from now on.", meter=meter_name(meter))


def _add_plan(typed: Typed) -> str:
    slug = typed.text("slug")
    with transaction(_PLATFORM) as session:
        pricing.add_offer(
            session,
            _PLATFORM,
            slug=slug,
            currency=typed.text("currency").upper(),
            tax_rate=typed.share("tax_rate"),
            credit_purpose=typed.choice("credit_purpose", CreditPurpose),
        )
    return _("The plan “%(slug)s” is there. Set its prices next.", slug=slug)


def _set_price(slug: str, typed: Typed) -> str:
    now = current_ports().clock()
    with transaction(_PLATFORM) as session:
        price = pricing.set_price(
            session,
            _PLATFORM,
            offer_id=pricing.get_offer(session, _PLATFORM, slug=slug).id,
            meter=typed.text("meter"),
            unit_price=typed.number("unit_price"),
            valid_from=typed.since("valid_from", now=now),
            increment=_increment(typed),
            minimum=typed.optional_number("minimum") or Decimal(0),
            allowance=typed.optional_number("allowance", places=2) or Decimal(0),
            steps=read_steps(typed),
            floor_price=typed.optional_number("floor_price") or Decimal(0),
        )
    return _("The price of “%(meter)s” is set.", meter=meter_name(price.meter))


def _set_fee(slug: str, typed: Typed) -> str:
    now = current_ports().clock()
    with transaction(_PLATFORM) as session:
        offer = pricing.get_offer(session, _PLATFORM, slug=slug)
        fee = pricing.set_fee(
            session,
            _PLATFORM,
            offer_id=offer.id,
            fee=typed.text("fee"),
            name=typed.text("name"),
            amount=typed.money("amount", offer.currency),
            months=typed.whole("months"),
            valid_from=typed.since("valid_from", now=now),
        )
    return _("The fee “%(name)s” is set.", name=fee.name)


def _set_bonus(slug: str, typed: Typed) -> str:
    now = current_ports().clock()
    with transaction(_PLATFORM) as session:
        offer = pricing.get_offer(session, _PLATFORM, slug=slug)
        days = typed.optional_whole("days")
        steps = [
            BonusStep(row.money(least, offer.currency), row.money(bonus, offer.currency), days)
            for row, least, bonus in typed.pairs("least", "bonus")
        ]
        pricing.set_bonus_steps(
            session,
            _PLATFORM,
            offer_id=offer.id,
            steps=steps,
            valid_from=typed.since("valid_from", now=now),
        )
    return _("What top-ups earn is set.") if steps else _("Top-ups earn nothing from then on.")


def _increment(typed: Typed) -> Increment | None:
    """Return what is counted at least and in which steps, written 60/1; None for as it is sent."""
    text = typed.optional_text("increment")
    if not text:
        return None
    first, slash, following = text.partition("/")
    if not (slash and first.strip().isdecimal() and following.strip().isdecimal()):
        raise UnreadableNumberError(field="increment")
    return Increment(int(first), int(following))
