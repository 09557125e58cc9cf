"""Holds as a telephone system asks for them: recipes that open transactions of their own (C5).

Each may be repeated: a hold is placed once per key, raised to an amount and not by one, captured
once per event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import identity
from app.billing.errors import UnknownSubjectError
from app.billing.holds import (
    CapturedUsage,
    PlacedHold,
    capture_hold,
    extend_hold,
    place_hold,
    quote_usage,
    read_hold,
)
from app.billing.moving_books import while_books_move
from app.billing.purses import lock_purses
from app.billing.reported import DeliveredUsage, NamedPayer
from app.billing.usage import Charge
from app.kernel import Money, transaction
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class PlannedUsage:
    """What may be used under a hold; `quantity` in the meter's unit."""

    meter: str
    quantity: Decimal

    @property
    def basis(self) -> str:
        """Return what makes two plans the same; 1.50 and 1.5 minutes are."""
        return f"{self.meter}:{self.quantity.normalize():f}"


def hold_credit(
    scope: TenantScope,
    *,
    key: str,
    payer: NamedPayer,
    wanted: Money | PlannedUsage,
    lasts: timedelta,
    now: datetime,
) -> PlacedHold:
    """Keep back an amount, or what planned usage would cost now, once per key.

    The same request again returns the first hold as it is now, whatever the usage would cost by
    then; what is free inside an allowance keeps nothing back. Refuses what `place_hold` refuses, a
    meter without a price, and a subject that is nobody's here now.
    """
    customer_id = _payer(scope, payer, now)
    with transaction(scope, sole=isinstance(wanted, Money)) as session:
        amount, basis = _amount(session, scope, customer_id, wanted, now)
        placed = place_hold(
            session,
            scope,
            key=key,
            customer_id=customer_id,
            amount=amount,
            expires_at=now + lasts,
            now=now,
            subject=payer.subject and identity.normalise_subject(payer.subject),
            basis=basis,
        )
    if not placed.replayed:
        return placed
    with transaction(scope) as session:
        return read_hold(session, scope, hold_id=placed.id)


def raise_hold(
    scope: TenantScope,
    *,
    hold_id: UUID,
    total: Money | None,
    lasts: timedelta | None,
    now: datetime,
) -> PlacedHold:
    """Keep at least `total` back altogether, for at least so long from now, or both.

    What is kept back already for longer stays so. Refuses what `extend_hold` refuses and an amount
    in another currency.
    """
    with transaction(scope) as session:
        hold = read_hold(session, scope, hold_id=hold_id)
        more = None
        if total is not None:
            # Two of these at once: the second one sees what the first one added.
            customers = [hold.customer_id]
            lock_purses(session, scope, customers=customers, currency=total.currency, now=now)
            missing = total - read_hold(session, scope, hold_id=hold_id).amount
            more = missing if missing.minor > 0 else None
        return extend_hold(
            session,
            scope,
            hold_id=hold_id,
            amount=more,
            expires_at=None if lasts is None else now + lasts,
            now=now,
        )


def capture_credit(
    scope: TenantScope,
    *,
    hold_id: UUID,
    delivered: DeliveredUsage,
    subject: str | None,
    now: datetime,
) -> Charge:
    """Charge what was delivered under a hold and free the rest of it, once per event.

    Refuses what `capture_hold` refuses, and a subject that was not the holder's at that time.
    """
    name = None
    if subject is not None:
        at = delivered.occurred_at
        with transaction(scope) as session:
            holder = read_hold(session, scope, hold_id=hold_id).customer_id
            found = identity.find_customer(session, scope, subject=subject, at=at)
        if found != holder:
            raise UnknownSubjectError
        name = identity.normalise_subject(subject)
    usage = CapturedUsage(
        event_id=delivered.event_id,
        meter=delivered.meter,
        quantity=delivered.quantity,
        occurred_at=delivered.occurred_at,
        counterparty=delivered.counterparty,
        subject=name,
    )

    def capture() -> Charge:
        with transaction(scope, sole=True) as session:
            return capture_hold(session, scope, hold_id=hold_id, usage=usage, now=now)

    return while_books_move(capture)


def _amount(
    session: Session,
    scope: TenantScope,
    customer_id: UUID,
    wanted: Money | PlannedUsage,
    now: datetime,
) -> tuple[Money, str | None]:
    """Return how much to keep back, and what it was worked out from."""
    if isinstance(wanted, Money):
        return wanted, None
    cost = quote_usage(
        session,
        scope,
        customer_id=customer_id,
        meter=wanted.meter,
        quantity=wanted.quantity,
        at=now,
        now=now,
    )
    return cost, wanted.basis


def _payer(scope: TenantScope, payer: NamedPayer, at: datetime) -> UUID:
    if payer.customer_id is not None:
        return payer.customer_id
    with transaction(scope) as session:
        found = identity.find_customer(session, scope, subject=payer.subject or "", at=at)
    if found is None:
        raise UnknownSubjectError
    return found
