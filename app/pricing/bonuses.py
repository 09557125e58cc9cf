from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import Money
from app.pricing.errors import DateTakenError
from app.pricing.models import Offer, OfferBonusStep
from app.pricing.offers import require_offer
from app.pricing.queries import find_sold_offer
from app.pricing.rules import BonusStep, earned_bonus, require_bonus_steps
from app.tenancy import PlatformScope, TenantScope


@dataclass(frozen=True, slots=True)
class BonusTerms:
    """What a top-up earns beside itself, and after how many days that expires (None: never)."""

    amount: Money
    days: int | None


def set_bonus_steps(
    session: Session,
    scope: PlatformScope,
    *,
    offer_id: UUID,
    steps: Sequence[BonusStep],
    valid_from: datetime,
) -> None:
    """Say what top-ups of an offer earn from a date on (requirement C9); without steps, nothing.

    Refuses steps that do not rise, a negative amount, another currency than the offer's, an
    unknown offer, and a date on which its steps already change.
    """
    currency = require_offer(session, offer_id).currency
    require_bonus_steps(steps, currency)
    # The row from 0 on tells that earlier steps have ended, and lets one writer of a date win.
    nothing = Money(0, currency)
    first = [] if steps and not steps[0].least else [BonusStep(nothing, nothing)]
    rows = [_row(offer_id, valid_from, step) for step in (*first, *steps)]
    added = session.scalar(
        insert(OfferBonusStep)
        .values(rows[0])
        .on_conflict_do_nothing()
        .returning(OfferBonusStep.from_minor)
    )
    if added is None:
        raise DateTakenError(valid_from=valid_from.isoformat())
    if rows[1:]:
        session.execute(insert(OfferBonusStep), rows[1:])


def bonus_for(
    session: Session, scope: TenantScope, *, paid: Money, at: datetime
) -> BonusTerms | None:
    """Return what a top-up earns at a time: the bonus of the greatest step not above it.

    None where there is none, nothing is sold, or what is sold is in another currency.
    """
    sold = find_sold_offer(scope, at)
    since = (
        select(func.max(OfferBonusStep.valid_from))
        .where(OfferBonusStep.offer_id == sold, OfferBonusStep.valid_from <= at)
        .scalar_subquery()
    )
    rows = session.scalars(
        select(OfferBonusStep)
        .join(Offer, Offer.id == OfferBonusStep.offer_id)
        .where(
            OfferBonusStep.offer_id == sold,
            OfferBonusStep.valid_from == since,
            Offer.currency == paid.currency,
        )
    )
    best = earned_bonus([read_bonus_step(row, paid.currency) for row in rows], paid)
    return None if best is None else BonusTerms(best.bonus, best.days)


def read_bonus_step(row: OfferBonusStep, currency: str) -> BonusStep:
    """Return a stored step as a value."""
    return BonusStep(Money(row.from_minor, currency), Money(row.bonus_minor, currency), row.days)


def _row(offer_id: UUID, valid_from: datetime, step: BonusStep) -> dict[str, object]:
    return {
        "offer_id": offer_id,
        "valid_from": valid_from,
        "from_minor": step.least.minor,
        "bonus_minor": step.bonus.minor,
        "days": step.days,
    }
