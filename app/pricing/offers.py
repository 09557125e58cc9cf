from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import Money, new_id
from app.pricing.errors import DateTakenError, UnknownOfferError
from app.pricing.models import CreditPurpose, Meter, Offer, Price, SoldOffer
from app.pricing.rules import require_tax_rate, require_unit_price
from app.tenancy import PlatformScope


def add_meter(session: Session, scope: PlatformScope, *, meter: str, unit: str) -> None:
    """Make something countable; safe to repeat."""
    session.execute(insert(Meter).values(meter=meter, unit=unit).on_conflict_do_nothing())


def add_offer(
    session: Session,
    scope: PlatformScope,
    *,
    slug: str,
    currency: str,
    tax_rate: Decimal,
    credit_purpose: CreditPurpose,
) -> Offer:
    """Make an offer; its prices are set apart. Refuses an unknown currency and a bad tax rate."""
    require_tax_rate(tax_rate)
    offer = Offer(
        id=new_id(),
        slug=slug,
        currency=Money(0, currency).currency,
        tax_rate=tax_rate,
        credit_purpose=credit_purpose.value,
    )
    session.add(offer)
    session.flush()
    return offer


def set_price(
    session: Session,
    scope: PlatformScope,
    *,
    offer_id: UUID,
    meter: str,
    unit_price: Decimal,
    valid_from: datetime,
) -> Price:
    """Add the gross price of one unit from a date on.

    Refuses a bad price, and a date that has one: charges may have been rated by it.
    """
    require_unit_price(unit_price)
    taken = select(Price.id).where(
        Price.offer_id == offer_id, Price.meter == meter, Price.valid_from == valid_from
    )
    if session.scalar(taken) is not None:
        raise DateTakenError(valid_from=valid_from.isoformat())
    price = Price(
        id=new_id(), offer_id=offer_id, meter=meter, unit_price=unit_price, valid_from=valid_from
    )
    session.add(price)
    session.flush()
    return price


def sell_offer(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    offer_id: UUID,
    valid_from: datetime,
) -> None:
    """Let a reseller sell an offer from a date on. Refuses a date on which another one begins."""
    if session.get(SoldOffer, (reseller_id, valid_from)) is not None:
        raise DateTakenError(valid_from=valid_from.isoformat())
    session.add(SoldOffer(reseller_id=reseller_id, offer_id=offer_id, valid_from=valid_from))
    session.flush()


def get_offer(session: Session, scope: PlatformScope, *, slug: str) -> Offer:
    """Return an offer by its slug; refuses an unknown one."""
    offer = session.scalar(select(Offer).where(Offer.slug == slug))
    if offer is None:
        raise UnknownOfferError(slug=slug)
    return offer
