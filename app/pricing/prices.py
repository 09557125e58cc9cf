from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import new_id
from app.pricing.errors import DateTakenError, UnknownMeterError
from app.pricing.models import Meter, Price, PriceStep
from app.pricing.offers import require_offer
from app.pricing.rules import (
    ZERO,
    Increment,
    Step,
    require_allowance,
    require_floor_kept,
    require_increment,
    require_minimum,
    require_steps,
    require_unit_price,
)
from app.tenancy import PlatformScope


def set_price(
    session: Session,
    scope: PlatformScope,
    *,
    offer_id: UUID,
    meter: str,
    unit_price: Decimal,
    valid_from: datetime,
    increment: Increment | None = None,
    minimum: Decimal = ZERO,
    allowance: Decimal = ZERO,
    steps: Sequence[Step] = (),
    floor_price: Decimal = ZERO,
) -> Price:
    """Add the gross price of one unit from a date on, with all that it is rated by.

    `increment` counts in the meter's parts; without it a quantity is billed as it is sent.
    `minimum` is gross, in euros an event; `allowance` and the steps' edges are units of a
    customer's Berlin month; resellers may sell a unit for `floor_price` or more. Refuses bad
    figures, a price or step below the floor, an unknown offer or meter, and a date that has a
    price: charges may have been rated by it.
    """
    price = Price(
        id=new_id(),
        offer_id=offer_id,
        meter=meter,
        valid_from=valid_from,
        unit_price=unit_price,
        first_increment=increment.first if increment else None,
        next_increment=increment.following if increment else None,
        minimum=minimum,
        allowance=allowance,
        floor_price=floor_price,
    )
    _require_figures(price, increment, steps)
    _add(session, price)
    if steps:
        rows = [{"price_id": price.id, **step._asdict()} for step in steps]
        session.execute(insert(PriceStep), rows)
    return price


def _require_figures(price: Price, increment: Increment | None, steps: Sequence[Step]) -> None:
    require_unit_price(price.unit_price)
    require_increment(increment)
    require_minimum(price.minimum)
    require_allowance(price.allowance)
    require_steps(steps)
    require_unit_price(price.floor_price)
    require_floor_kept(price.unit_price, steps, price.floor_price)


def _hold_meter(session: Session, meter: str) -> None:
    """Let one writer of a meter in, to the end: a date is taken once, parts stay as they are."""
    held = select(Meter.meter).where(Meter.meter == meter).with_for_update(key_share=True)
    if session.scalar(held) is None:
        raise UnknownMeterError(meter=meter[:40])


def _add(session: Session, price: Price) -> None:
    require_offer(session, price.offer_id)
    _hold_meter(session, price.meter)
    taken = select(Price.id).where(
        Price.offer_id == price.offer_id,
        Price.meter == price.meter,
        Price.valid_from == price.valid_from,
    )
    if session.scalar(taken) is not None:
        raise DateTakenError(valid_from=price.valid_from.isoformat())
    session.add(price)
    session.flush()
