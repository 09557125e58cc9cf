"""One charge to look at: how it was rated, who paid, and how it was divided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import commissions, ledger, pricing
from app.billing import chart
from app.billing.credit_models import FeeRecord, Reversal
from app.billing.errors import ChargeNotFoundError
from app.billing.models import UsageRecord, Wallet
from app.billing.rules import mask_number
from app.billing.spending import RatingFacts
from app.kernel import Money
from app.pricing import PriceVersion
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class RatedCharge:
    """A charge and how its price came about; quantities in the meter's unit, prices gross.

    `quantity` is what was sent, `billed` what increments made of it, `facts` say what else was
    special; `bonus`, `owed` and `paid` are who paid: lots, the receivable, paid credit.
    """

    entry_id: UUID
    event_id: str
    customer_id: UUID
    meter: str
    subject: str | None
    counterparty: str | None
    quantity: Decimal
    billed: Decimal
    unit_price: Decimal
    gross: Money
    net: Money
    tax: Money
    occurred_at: datetime
    was_held: bool
    facts: RatingFacts
    price: PriceVersion

    @property
    def bonus(self) -> Money:
        """Return what bonus lots paid."""
        return Money(self.facts.bonus, self.gross.currency)

    @property
    def owed(self) -> Money:
        """Return what nobody paid yet: it is owed."""
        return Money(self.facts.owed, self.gross.currency)

    @property
    def paid(self) -> Money:
        """Return what paid credit, or a credit limit, gave."""
        return self.gross - self.bonus - self.owed

    @property
    def uncollected(self) -> Money:
        """Return what it cost beyond its hold and the balance."""
        return Money(self.facts.uncollected, self.gross.currency)


@dataclass(frozen=True, slots=True)
class ChargedFee:
    """A period of a contract that was charged, from `starts_at` to `ends_at`."""

    entry_id: UUID
    customer_id: UUID
    name: str
    quantity: int
    starts_at: datetime
    ends_at: datetime
    gross: Money
    net: Money
    tax: Money
    bonus: Money

    @property
    def paid(self) -> Money:
        """Return what paid credit, or a credit limit, gave."""
        return self.gross - self.bonus


@dataclass(frozen=True, slots=True)
class CommissionPart:
    """What one reseller of the chain earned of a charge, and by which rate of the net price."""

    beneficiary_id: UUID
    rate: Decimal | None
    amount: Money


@dataclass(frozen=True, slots=True)
class ChargeSplit:
    """Where a charge went: commissions, the topmost reseller first, revenue and tax.

    `relief` is the tax within what a bonus paid: it fell back to whoever gave the bonus.
    """

    booked_at: datetime
    commissions: Sequence[CommissionPart]
    revenue: Money
    tax: Money
    relief: Money


def rated_charge(
    session: Session, scope: TenantScope, *, entry_id: UUID, customer_id: UUID | None = None
) -> RatedCharge:
    """Return how a charge of usage was rated, in four queries.

    Refuses another reseller's charge and, where a customer is named, another customer's: both look
    as if there were none.
    """
    record, wallet = _usage(session, scope, entry_id, customer_id)
    return RatedCharge(
        entry_id=record.entry_id,
        event_id=record.event_id,
        customer_id=wallet.customer_id,
        meter=record.meter,
        subject=record.subject,
        counterparty=mask_number(record.counterparty) if record.counterparty else None,
        quantity=record.quantity,
        billed=record.quantity if record.billed is None else record.billed,
        unit_price=record.unit_price,
        gross=Money(record.gross_minor, wallet.currency),
        net=Money(record.net_minor, wallet.currency),
        tax=Money(record.tax_minor, wallet.currency),
        occurred_at=record.occurred_at,
        was_held=record.hold_id is not None,
        facts=RatingFacts.of_json(record.rating),
        price=pricing.price_version(
            session, scope, price_id=record.price_id, retail_price_id=record.retail_price_id
        ),
    )


def _usage(
    session: Session, scope: TenantScope, entry_id: UUID, customer_id: UUID | None
) -> tuple[UsageRecord, Wallet]:
    query = (
        select(UsageRecord, Wallet)
        .join(
            Wallet,
            (Wallet.reseller_id == UsageRecord.reseller_id) & (Wallet.id == UsageRecord.wallet_id),
        )
        .where(UsageRecord.reseller_id == scope.reseller_id, UsageRecord.entry_id == entry_id)
    )
    if customer_id is not None:
        query = query.where(Wallet.customer_id == customer_id)
    found = session.execute(query).first()
    if found is None:
        raise ChargeNotFoundError(charge=str(entry_id))
    return found[0], found[1]


def charged_fee(
    session: Session, scope: TenantScope, *, entry_id: UUID, customer_id: UUID | None = None
) -> ChargedFee:
    """Return what a fee was charged for; refuses as `rated_charge` does."""
    query = (
        select(FeeRecord, Wallet)
        .join(
            Wallet,
            (Wallet.reseller_id == FeeRecord.reseller_id) & (Wallet.id == FeeRecord.wallet_id),
        )
        .where(FeeRecord.reseller_id == scope.reseller_id, FeeRecord.entry_id == entry_id)
    )
    if customer_id is not None:
        query = query.where(Wallet.customer_id == customer_id)
    found = session.execute(query).first()
    if found is None:
        raise ChargeNotFoundError(charge=str(entry_id))
    fee, wallet = found
    return ChargedFee(
        entry_id=fee.entry_id,
        customer_id=wallet.customer_id,
        name=fee.name,
        quantity=fee.quantity,
        starts_at=fee.starts_at,
        ends_at=fee.ends_at,
        gross=Money(fee.gross_minor, wallet.currency),
        net=Money(fee.net_minor, wallet.currency),
        tax=Money(fee.tax_minor, wallet.currency),
        bonus=Money(fee.bonus_minor, wallet.currency),
    )


def find_charge(
    session: Session, scope: TenantScope, *, entry_id: UUID, customer_id: UUID | None = None
) -> RatedCharge | ChargedFee:
    """Return a charge of usage or a fee; refuses as `rated_charge` does."""
    try:
        return rated_charge(session, scope, entry_id=entry_id, customer_id=customer_id)
    except ChargeNotFoundError:
        return charged_fee(session, scope, entry_id=entry_id, customer_id=customer_id)


def find_reversal(session: Session, scope: TenantScope, *, entry_id: UUID) -> Reversal | None:
    """Return how a charge was written off; None where it was not."""
    return session.get(Reversal, (scope.reseller_id, entry_id))


def charge_split(session: Session, scope: TenantScope, *, entry_id: UUID) -> ChargeSplit:
    """Return how a charge of usage or a fee was divided, for its reseller, in two queries.

    Refuses another reseller's charge.
    """
    entry = ledger.find_entry(session, scope.reseller_id, entry_id)
    if entry is None:
        raise ChargeNotFoundError(charge=str(entry_id))
    nothing = Money(0, entry.movements[0].amount.currency)
    sums: dict[tuple[str, UUID], Money] = defaultdict(lambda: nothing)
    for movement in entry.movements:
        sums[movement.to_kind, movement.to_owner] += movement.amount
    terms = commissions.shares_at(session, scope, booked_at=entry.created_at)
    rates = {term.beneficiary_id: term.rate for term in terms}
    earned = {owner: amount for (kind, owner), amount in sums.items() if kind == chart.COMMISSION}
    order = [*rates, *(owner for owner in earned if owner not in rates)]

    def to(*kinds: str) -> Money:
        return sum((amount for (kind, _), amount in sums.items() if kind in kinds), nothing)

    return ChargeSplit(
        booked_at=entry.created_at,
        commissions=[
            CommissionPart(owner, rates.get(owner), earned.get(owner, nothing)) for owner in order
        ],
        revenue=to(chart.REVENUE),
        tax=to(chart.TAX_PAYABLE, chart.TAX_PREPAID),
        relief=to(chart.PROMOTION, chart.GIFT_RELIEF),
    )
