from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.kernel import new_id
from app.pricing.errors import BadStepsError, DateTakenError, NoPriceError, PastDateError
from app.pricing.models import Offer, Price, RetailPrice, RetailPriceStep
from app.pricing.queries import find_sold_offer
from app.pricing.rules import Step, require_floor_kept, require_steps, require_unit_price
from app.tenancy import TenantScope


def set_retail_price(
    session: Session,
    scope: TenantScope,
    *,
    meter: str,
    unit_price: Decimal | None,
    valid_from: datetime,
    now: datetime,
    steps: Sequence[Step] = (),
    actor: audit.Actor = audit.SYSTEM,
) -> RetailPrice:
    """Let a reseller ask her own price of a unit from a date on; None: the plan's again.

    Price and steps replace the plan's; increments, minimum and allowance stay the plan's. Refuses
    bad figures, a meter that she does not sell then, a price or step below the floor that holds
    then, and a date that is past or has an own price: charges may have been rated already.
    """
    _require_figures(unit_price, steps)
    if valid_from < now:
        raise PastDateError(valid_from=valid_from.isoformat())
    currency, floor_price = _plan(session, scope, meter, valid_from)
    if unit_price is not None:
        require_floor_kept(unit_price, steps, floor_price)
    price = RetailPrice(
        reseller_id=scope.reseller_id,
        id=new_id(),
        meter=meter,
        currency=currency,
        valid_from=valid_from,
        unit_price=unit_price,
    )
    _add(session, price, steps)
    _record(session, price, actor)
    return price


def _require_figures(unit_price: Decimal | None, steps: Sequence[Step]) -> None:
    if unit_price is not None:
        require_unit_price(unit_price)
    elif steps:
        raise BadStepsError(steps=len(steps))
    require_steps(steps)


def _plan(session: Session, scope: TenantScope, meter: str, at: datetime) -> tuple[str, Decimal]:
    """Return currency and floor of what the reseller sells by a meter at a time."""
    row = session.execute(
        select(Offer.currency, Price.floor_price)
        .join(Price, Price.offer_id == Offer.id)
        .where(Offer.id == find_sold_offer(scope, at), Price.meter == meter, Price.valid_from <= at)
        .order_by(Price.valid_from.desc())
        .limit(1)
    ).first()
    if row is None:
        raise NoPriceError(meter=meter[:40])
    return row.currency, row.floor_price


def _add(session: Session, price: RetailPrice, steps: Sequence[Step]) -> None:
    # Two members of a team may press the button at once: the second one is told.
    added = session.scalar(
        insert(RetailPrice)
        .values(
            reseller_id=price.reseller_id,
            id=price.id,
            meter=price.meter,
            currency=price.currency,
            valid_from=price.valid_from,
            unit_price=price.unit_price,
        )
        .on_conflict_do_nothing(index_elements=["reseller_id", "meter", "currency", "valid_from"])
        .returning(RetailPrice.id)
    )
    if added is None:
        raise DateTakenError(valid_from=price.valid_from.isoformat())
    if steps:
        rows = [
            {"reseller_id": price.reseller_id, "retail_price_id": price.id, **step._asdict()}
            for step in steps
        ]
        session.execute(insert(RetailPriceStep), rows)


def _record(session: Session, price: RetailPrice, actor: audit.Actor) -> None:
    audit.record(
        session,
        price.reseller_id,
        actor=actor,
        action="pricing.retail_price_set",
        subject_id=price.id,
        facts={"meter": price.meter},
    )
