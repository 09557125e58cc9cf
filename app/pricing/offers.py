from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import Money, new_id
from app.pricing.errors import DateTakenError, OfferTakenError, UnknownOfferError
from app.pricing.models import CreditPurpose, Offer, SoldOffer
from app.pricing.rules import require_slug, require_tax_rate
from app.tenancy import PlatformScope, TenantScope


def add_offer(
    session: Session,
    scope: PlatformScope,
    *,
    slug: str,
    currency: str,
    tax_rate: Decimal,
    credit_purpose: CreditPurpose,
) -> Offer:
    """Make an offer; its prices are set apart.

    Refuses a bad or taken slug, an unknown currency and a bad tax rate.
    """
    require_slug(slug)
    require_tax_rate(tax_rate)
    offer: Offer | None = session.scalar(
        insert(Offer)
        .values(
            id=new_id(),
            slug=slug,
            currency=Money(0, currency).currency,
            tax_rate=tax_rate,
            credit_purpose=credit_purpose.value,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Offer)
    )
    if offer is None:
        raise OfferTakenError(slug=slug)
    return offer


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


def sold_offers(session: Session, scope: TenantScope) -> list[tuple[datetime, str]]:
    """Return from when on a reseller sells which offer (its slug), newest first."""
    rows = session.execute(
        select(SoldOffer.valid_from, Offer.slug)
        .join(Offer, Offer.id == SoldOffer.offer_id)
        .where(SoldOffer.reseller_id == scope.reseller_id)
        .order_by(SoldOffer.valid_from.desc())
    )
    return [(row.valid_from, row.slug) for row in rows]


def get_offer(session: Session, scope: PlatformScope, *, slug: str) -> Offer:
    """Return an offer by its slug; refuses an unknown one."""
    offer = session.scalar(select(Offer).where(Offer.slug == slug))
    if offer is None:
        raise UnknownOfferError(slug=slug)
    return offer


def require_offer(session: Session, offer_id: UUID) -> Offer:
    """Return an offer by its id; refuses an unknown one."""
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise UnknownOfferError(offer=str(offer_id))
    return offer
