from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from app.kernel import CurrencyMismatchError, Money, new_id
from app.pricing.errors import DateTakenError, UnknownFeeError
from app.pricing.models import CreditPurpose, Fee, Offer
from app.pricing.offers import require_offer
from app.pricing.queries import find_sold_offer
from app.pricing.rules import require_fee
from app.tenancy import PlatformScope, TenantScope


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """A fee as it holds at a time: `amount` is gross, for so many months."""

    id: UUID
    name: str
    amount: Money
    months: int
    tax_rate: Decimal
    credit_purpose: CreditPurpose


def set_fee(
    session: Session,
    scope: PlatformScope,
    *,
    offer_id: UUID,
    fee: str,
    name: str,
    amount: Money,
    months: int,
    valid_from: datetime,
) -> Fee:
    """Let an offer charge a gross amount every 1, 3 or 12 months, from a date on.

    An amount of 0 ends the fee. Refuses bad figures, an unknown offer, another currency than the
    offer's, and a date on which this fee already changes.
    """
    require_fee(fee, name, amount, months)
    offer = require_offer(session, offer_id)
    if amount.currency != offer.currency:
        raise CurrencyMismatchError(left=offer.currency, right=amount.currency)
    row: Fee | None = session.scalar(
        insert(Fee)
        .values(
            id=new_id(),
            offer_id=offer_id,
            fee=fee,
            name=name.strip(),
            amount_minor=amount.minor,
            months=months,
            valid_from=valid_from,
        )
        .on_conflict_do_nothing(index_elements=["offer_id", "fee", "valid_from"])
        .returning(Fee)
    )
    if row is None:
        raise DateTakenError(valid_from=valid_from.isoformat())
    return row


def offered_fees(session: Session, scope: TenantScope, *, at: datetime) -> list[tuple[str, str]]:
    """Return the fees that cost something in what a reseller sells at a time: (short name, title).

    In order of titles; none where nothing is sold.
    """
    rows = session.scalars(
        select(Fee)
        .where(Fee.offer_id == find_sold_offer(scope, at), Fee.valid_from <= at)
        .ext(distinct_on(Fee.fee))
        .order_by(Fee.fee, Fee.valid_from.desc())
    )
    return sorted(((row.fee, row.name) for row in rows if row.amount_minor), key=itemgetter(1))


def fee_at(session: Session, scope: TenantScope, *, fee: str, at: datetime) -> FeeTerms:
    """Return a fee of the offer that the reseller sells, as it holds at a time.

    Refuses a fee that the offer does not have then.
    """
    row = session.execute(
        select(Fee, Offer)
        .join(Offer, Offer.id == Fee.offer_id)
        .where(Fee.offer_id == find_sold_offer(scope, at), Fee.fee == fee, Fee.valid_from <= at)
        .order_by(Fee.valid_from.desc())
        .limit(1)
    ).first()
    if row is None:
        raise UnknownFeeError(fee=fee[:40])
    found, offer = row
    return FeeTerms(
        id=found.id,
        name=found.name,
        amount=Money(found.amount_minor, offer.currency),
        months=found.months,
        tax_rate=offer.tax_rate,
        credit_purpose=CreditPurpose(offer.credit_purpose),
    )
