"""Whole offers as they stand at a time, for the platform's page and command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.kernel import Money
from app.pricing.bonuses import read_bonus_step
from app.pricing.errors import UnknownOfferError
from app.pricing.models import CreditPurpose, Fee, Offer, OfferBonusStep
from app.pricing.price_books import PlanPrice, plan_prices
from app.pricing.rules import BonusStep
from app.tenancy import PlatformScope


@dataclass(frozen=True, slots=True)
class PlanFee:
    """A fee of an offer from a date on: a gross amount every so many months."""

    id: UUID
    fee: str
    name: str
    amount: Money
    months: int
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """An offer with the prices, fees and bonus steps that hold at a time."""

    id: UUID
    slug: str
    currency: str
    tax_rate: Decimal
    credit_purpose: CreditPurpose
    prices: tuple[PlanPrice, ...]
    fees: tuple[PlanFee, ...]
    bonus_steps: tuple[BonusStep, ...]


def plans(session: Session, scope: PlatformScope, *, at: datetime) -> list[Plan]:
    """Return every offer as it stands at a time, in order of slugs."""
    return _plans(session, session.scalars(select(Offer).order_by(Offer.slug)).all(), at)


def get_plan(session: Session, scope: PlatformScope, *, slug: str, at: datetime) -> Plan:
    """Return an offer as it stands at a time; refuses an unknown one."""
    offer = session.scalars(select(Offer).where(Offer.slug == slug)).all()
    if not offer:
        raise UnknownOfferError(slug=slug[:40])
    return _plans(session, offer, at)[0]


def _plans(session: Session, offers: Sequence[Offer], at: datetime) -> list[Plan]:
    ids = [offer.id for offer in offers]
    prices, fees, steps = (
        plan_prices(session, ids, at),
        _fees(session, ids, at),
        _steps(session, at),
    )
    return [
        Plan(
            id=offer.id,
            slug=offer.slug,
            currency=offer.currency,
            tax_rate=offer.tax_rate,
            credit_purpose=CreditPurpose(offer.credit_purpose),
            prices=tuple(prices[offer.id]),
            fees=tuple(_plan_fee(fee, offer.currency) for fee in fees[offer.id]),
            bonus_steps=tuple(
                step
                for row in steps[offer.id]
                if (step := read_bonus_step(row, offer.currency)).least or step.bonus
            ),
        )
        for offer in offers
    ]


def _fees(session: Session, offer_ids: Sequence[UUID], at: datetime) -> dict[UUID, list[Fee]]:
    rows = session.scalars(
        select(Fee)
        .where(Fee.offer_id.in_(offer_ids), Fee.valid_from <= at)
        .ext(distinct_on(Fee.offer_id, Fee.fee))
        .order_by(Fee.offer_id, Fee.fee, Fee.valid_from.desc())
    )
    found: defaultdict[UUID, list[Fee]] = defaultdict(list)
    for row in rows:
        found[row.offer_id].append(row)
    return found


def _steps(session: Session, at: datetime) -> dict[UUID, list[OfferBonusStep]]:
    """Return the bonus steps that hold at a time, by offer, rising."""
    since = (
        select(OfferBonusStep.offer_id, func.max(OfferBonusStep.valid_from).label("valid_from"))
        .where(OfferBonusStep.valid_from <= at)
        .group_by(OfferBonusStep.offer_id)
        .subquery()
    )
    rows = session.scalars(
        select(OfferBonusStep)
        .join(
            since,
            (since.c.offer_id == OfferBonusStep.offer_id)
            & (since.c.valid_from == OfferBonusStep.valid_from),
        )
        .order_by(OfferBonusStep.from_minor)
    )
    found: defaultdict[UUID, list[OfferBonusStep]] = defaultdict(list)
    for row in rows:
        found[row.offer_id].append(row)
    return found


def _plan_fee(row: Fee, currency: str) -> PlanFee:
    amount = Money(row.amount_minor, currency)
    return PlanFee(row.id, row.fee, row.name, amount, row.months, row.valid_from)
