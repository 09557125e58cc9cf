from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.pricing.errors import PartsFixedError
from app.pricing.models import Meter, Price
from app.pricing.rules import require_meter, require_parts
from app.tenancy import PlatformScope


def add_meter(
    session: Session, scope: PlatformScope, *, meter: str, unit: str, parts: int | None = None
) -> None:
    """Make something countable, in units of `parts` (60 seconds in a minute); safe to repeat.

    Left out, parts are 1 for a new meter and stay as they are for a known one, whose unit stays in
    any case. Refuses a bad name, parts outside 1 to 999, and others than those that a price's
    increments already count in.
    """
    require_meter(meter, unit)
    if parts is not None:
        require_parts(parts)
    session.execute(
        insert(Meter).values(meter=meter, unit=unit, parts=parts or 1).on_conflict_do_nothing()
    )
    if parts is not None:
        _keep_parts(session, meter, parts)


def list_meters(session: Session, scope: PlatformScope) -> Sequence[Meter]:
    """Return every meter, in order of name."""
    return session.scalars(select(Meter).order_by(Meter.meter)).all()


def _keep_parts(session: Session, meter: str, parts: int) -> None:
    # `set_price` holds the row too, so no price with increments comes in between.
    known = session.scalar(select(Meter.parts).where(Meter.meter == meter).with_for_update())
    if known == parts:
        return
    counted = select(Price.id).where(Price.meter == meter, Price.first_increment.is_not(None))
    if session.scalar(counted.limit(1)) is not None:
        raise PartsFixedError(meter=meter, parts=known)
    session.execute(update(Meter).where(Meter.meter == meter).values(parts=parts))
