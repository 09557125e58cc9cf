"""Prices to look at: a reseller's own page and the history of a meter; a few queries each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.pricing.errors import NoPriceError, NothingSoldError
from app.pricing.models import Meter, Offer, Price, PriceStep, RetailPrice, RetailPriceStep
from app.pricing.queries import find_sold_offer
from app.pricing.rules import Increment, Step, held_to_floor
from app.tenancy import PlatformScope, TenantScope


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """A meter's price in an offer from a date on; money is gross, in the offer's currency."""

    id: UUID
    offer_id: UUID
    meter: str
    unit: str
    parts: int
    valid_from: datetime
    unit_price: Decimal
    increment: Increment | None
    minimum: Decimal
    allowance: Decimal
    steps: tuple[Step, ...]
    floor_price: Decimal


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What a reseller asks from a date on; without a unit price, the plan's again."""

    id: UUID
    meter: str
    currency: str
    valid_from: datetime
    unit_price: Decimal | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """What a charge was rated by: a plan's price and, where she asked one, the reseller's own."""

    plan_slug: str
    tax_rate: Decimal
    plan: PlanPrice
    own: OwnPrice | None

    @property
    def needs_volume(self) -> bool:
        """Return whether charges rated by it count in the month's volume; see `Tariff`."""
        return bool(self.plan.allowance or (self.own or self.plan).steps)


@dataclass(frozen=True, slots=True)
class PricedMeter:
    """What a reseller sells by a meter: the plan's price, her own, and which one customers pay."""

    plan: PlanPrice
    own: OwnPrice | None
    unit_price: Decimal
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All that a reseller sells at a time, in order of meters."""

    offer_id: UUID
    slug: str
    currency: str
    tax_rate: Decimal
    meters: tuple[PricedMeter, ...]


def price_book(session: Session, scope: TenantScope, *, at: datetime) -> PriceBook:
    """Return every meter that a reseller sells at a time, with the plan's price and her own.

    Refuses a reseller that sells nothing then.
    """
    offer = session.scalar(select(Offer).where(Offer.id == find_sold_offer(scope, at)))
    if offer is None:
        raise NothingSoldError
    own = _own_prices(session, scope, offer.currency, at)
    prices = plan_prices(session, [offer.id], at)[offer.id]
    meters = tuple(_priced(price, own.get(price.meter)) for price in prices)
    return PriceBook(offer.id, offer.slug, offer.currency, offer.tax_rate, meters)


def price_history(
    session: Session, scope: PlatformScope, *, offer_id: UUID, meter: str | None = None
) -> list[PlanPrice]:
    """Return every price that an offer ever had, or will have, for a meter, newest first.

    Without a meter, of all its meters, in order of their names.
    """
    query = (
        select(Price, Meter)
        .join(Meter, Meter.meter == Price.meter)
        .where(Price.offer_id == offer_id)
        .order_by(Price.meter, Price.valid_from.desc())
    )
    if meter is not None:
        query = query.where(Price.meter == meter)
    rows = [(price, known) for price, known in session.execute(query)]
    return _plan_prices(session, rows)


def retail_history(
    session: Session, scope: TenantScope, *, meter: str | None = None
) -> list[OwnPrice]:
    """Return every price of her own that a reseller ever set for a meter, newest first.

    Without a meter, for all, in order of their names.
    """
    query = (
        select(RetailPrice)
        .where(RetailPrice.reseller_id == scope.reseller_id)
        .order_by(RetailPrice.meter, RetailPrice.valid_from.desc(), RetailPrice.currency)
    )
    if meter is not None:
        query = query.where(RetailPrice.meter == meter)
    return _with_own_steps(session, scope, session.scalars(query).all())


def price_version(
    session: Session, scope: TenantScope, *, price_id: UUID, retail_price_id: UUID | None
) -> PriceVersion:
    """Return the price that a charge was rated by: the plan's, and the reseller's own if asked.

    Refuses a price that does not exist, as nothing was ever rated by it.
    """
    found = session.execute(
        select(Price, Meter, Offer)
        .join(Meter, Meter.meter == Price.meter)
        .join(Offer, Offer.id == Price.offer_id)
        .where(Price.id == price_id)
    ).first()
    if found is None:
        raise NoPriceError(meter=str(price_id))
    price, meter, offer = found
    (plan,) = _plan_prices(session, [(price, meter)])
    own = session.scalars(
        select(RetailPrice).where(
            RetailPrice.reseller_id == scope.reseller_id, RetailPrice.id == retail_price_id
        )
    ).all()
    asked = _with_own_steps(session, scope, own)
    return PriceVersion(offer.slug, offer.tax_rate, plan, asked[0] if asked else None)


def plan_prices(
    session: Session, offer_ids: Sequence[UUID], at: datetime
) -> dict[UUID, list[PlanPrice]]:
    """Return the prices that hold in these offers at a time, by offer, in order of meters."""
    rows = session.execute(
        select(Price, Meter)
        .join(Meter, Meter.meter == Price.meter)
        .where(Price.offer_id.in_(offer_ids), Price.valid_from <= at)
        .ext(distinct_on(Price.offer_id, Price.meter))
        .order_by(Price.offer_id, Price.meter, Price.valid_from.desc())
    )
    found: dict[UUID, list[PlanPrice]] = {offer_id: [] for offer_id in offer_ids}
    for price in _plan_prices(session, [(price, meter) for price, meter in rows]):
        found[price.offer_id].append(price)
    return found


def _priced(plan: PlanPrice, own: OwnPrice | None) -> PricedMeter:
    if own is None or own.unit_price is None:
        return PricedMeter(plan, own, plan.unit_price, plan.steps)
    unit_price, steps = held_to_floor(own.unit_price, own.steps, plan.floor_price)
    return PricedMeter(plan, own, unit_price, steps)


def _plan_prices(session: Session, rows: Sequence[tuple[Price, Meter]]) -> list[PlanPrice]:
    steps = _by_price(
        (step.price_id, step)
        for step in session.scalars(
            select(PriceStep).where(PriceStep.price_id.in_([price.id for price, _ in rows]))
        )
    )
    return [
        PlanPrice(
            id=price.id,
            offer_id=price.offer_id,
            meter=price.meter,
            unit=meter.unit,
            parts=meter.parts,
            valid_from=price.valid_from,
            unit_price=price.unit_price,
            increment=_increment(price),
            minimum=price.minimum,
            allowance=price.allowance,
            steps=steps.get(price.id, ()),
            floor_price=price.floor_price,
        )
        for price, meter in rows
    ]


def _increment(price: Price) -> Increment | None:
    if price.first_increment is None or price.next_increment is None:
        return None
    return Increment(price.first_increment, price.next_increment)


def _own_prices(
    session: Session, scope: TenantScope, currency: str, at: datetime
) -> dict[str, OwnPrice]:
    """Return the reseller's prices that hold at a time, by meter."""
    rows = session.scalars(
        select(RetailPrice)
        .where(
            RetailPrice.reseller_id == scope.reseller_id,
            RetailPrice.currency == currency,
            RetailPrice.valid_from <= at,
        )
        .ext(distinct_on(RetailPrice.meter))
        .order_by(RetailPrice.meter, RetailPrice.valid_from.desc())
    ).all()
    return {price.meter: price for price in _with_own_steps(session, scope, rows)}


def _with_own_steps(
    session: Session, scope: TenantScope, rows: Sequence[RetailPrice]
) -> list[OwnPrice]:
    steps = _by_price(
        (step.retail_price_id, step)
        for step in session.scalars(
            select(RetailPriceStep).where(
                RetailPriceStep.reseller_id == scope.reseller_id,
                RetailPriceStep.retail_price_id.in_([row.id for row in rows]),
            )
        )
    )
    return [
        OwnPrice(
            row.id, row.meter, row.currency, row.valid_from, row.unit_price, steps.get(row.id, ())
        )
        for row in rows
    ]


def _by_price(
    rows: Iterable[tuple[UUID, PriceStep | RetailPriceStep]],
) -> Mapping[UUID, tuple[Step, ...]]:
    found: defaultdict[UUID, list[Step]] = defaultdict(list)
    for price_id, row in rows:
        found[price_id].append(Step(row.above, row.unit_price))
    return {price_id: tuple(sorted(steps)) for price_id, steps in found.items()}
