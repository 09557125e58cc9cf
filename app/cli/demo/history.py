"""Some weeks of usage and top-ups, dated as they happened, through the use cases of billing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import billing
from app.cli.demo import cast
from app.cli.demo.records import UsageRow, moment
from app.kernel import Money
from app.payments import CheckoutResult, CheckoutState
from app.tenancy import TenantScope

# Who lets her balance run down keeps this much, in cents, for a last call to come.
LAST_CENTS = 150
# The evening before the first call.
_OPENING_OFFSET = -6 * 3_600
_PAID_AHEAD = timedelta(seconds=5)


@dataclass
class _Purse:
    """What a customer has left while its history is being written."""

    office: cast.Office
    customer_id: UUID
    cents: int = 0
    payments: int = 0


def write_history(
    session: Session,
    scope: TenantScope,
    brand: cast.Brand,
    rows: Sequence[UsageRow],
    customers: Mapping[str, UUID],
    *,
    monday: date,
    advance: Callable[[int], None],
) -> None:
    """Charge the rows in the order of time, topping up in between as each customer does."""
    purses = {office.records: _Purse(office, customers[office.records]) for office in brand.offices}
    for purse in purses.values():
        _pay_in(session, scope, purse, purse.office.opening, moment(monday, _OPENING_OFFSET))
    for number, row in enumerate(rows):
        purse, at = purses[row.customer], moment(monday, row.offset)
        if purse.cents < purse.office.floor:
            _pay_in(session, scope, purse, purse.office.top_up, at - _PAID_AHEAD)
        if purse.cents - _most(brand, row) >= LAST_CENTS:
            usage = billing.UsageEvent(
                event_id=f"history-{number}",
                customer_id=purse.customer_id,
                meter=row.meter,
                quantity=row.quantity,
                occurred_at=at,
                counterparty=row.counterparty,
                subject=purse.office.line,
            )
            charge = billing.charge_usage(session, scope, usage=usage, now=at)
            # Bonus credit pays first and is left out: who has it keeps a little more.
            purse.cents = charge.balance.minor
        advance(1)


def _pay_in(
    session: Session,
    scope: TenantScope,
    purse: _Purse,
    cents: int,
    at: datetime,
) -> None:
    purse.payments += 1
    amount = Money(cents, cast.CURRENCY)
    name = f"demo_{purse.office.number.lower()}_{purse.payments}"
    top_up = billing.request_top_up(
        session, scope, customer_id=purse.customer_id, amount=amount, request_key=name, now=at
    )
    paid = CheckoutResult(
        session_id=f"{name}_page",
        reference=str(top_up.id),
        state=CheckoutState.PAID,
        paid=amount,
        payment_id=name,
    )
    billing.settle_top_up(session, scope, top_up_id=top_up.id, result=paid, now=at)
    purse.cents += cents


def _most(brand: cast.Brand, row: UsageRow) -> int:
    """Return what a row costs at most, in cents: a refusal would undo the whole history."""
    rate, (_, parts) = cast.OFFERS[brand.offer][row.meter], cast.METERS[row.meter]
    first, following = rate.increment or (0, 0)
    billed = max(row.quantity, Decimal(first) / parts) + Decimal(following) / parts
    exact: Decimal = brand.own_prices.get(row.meter, rate.unit_price) * billed * 100
    return int(exact) + 1
