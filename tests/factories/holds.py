"""Holds on a wallet, through the product's own use cases."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg

from app.billing import (
    CapturedUsage,
    Charge,
    PlacedHold,
    Wallet,
    capture_hold,
    extend_hold,
    place_hold,
    release_hold,
)
from app.kernel import Money, now, transaction
from tests.conftest import Database
from tests.factories.money import METER, scope_of_wallet
from tests.factories.names import unique

HOUR = timedelta(hours=1)


def a_hold(
    wallet: Wallet, minor: int, *, key: str | None = None, subject: str | None = None
) -> PlacedHold:
    """Credit kept back for an hour."""
    scope, at = scope_of_wallet(wallet), now()
    with transaction(scope, sole=True) as session:
        return place_hold(
            session,
            scope,
            key=key or unique("hold"),
            customer_id=wallet.customer_id,
            amount=Money(minor, wallet.currency),
            expires_at=at + HOUR,
            now=at,
            subject=subject,
        )


def used(
    quantity: str, *, event_id: str | None = None, occurred_at: datetime | None = None
) -> CapturedUsage:
    """What was used under a hold, a minute ago."""
    at = occurred_at or now() - timedelta(minutes=1)
    return CapturedUsage(event_id or unique("event"), METER, Decimal(quantity), at)


def capture(wallet: Wallet, hold_id: UUID, usage: CapturedUsage) -> Charge:
    """Charge what was used under a hold."""
    scope = scope_of_wallet(wallet)
    with transaction(scope, sole=True) as session:
        return capture_hold(session, scope, hold_id=hold_id, usage=usage, now=now())


def extend(
    wallet: Wallet, hold_id: UUID, minor: int | None = None, *, expires_at: datetime | None = None
) -> PlacedHold:
    """Keep more back, or for longer, or both."""
    scope = scope_of_wallet(wallet)
    amount = None if minor is None else Money(minor, wallet.currency)
    with transaction(scope) as session:
        return extend_hold(
            session, scope, hold_id=hold_id, amount=amount, expires_at=expires_at, now=now()
        )


def release(wallet: Wallet, hold_id: UUID) -> PlacedHold:
    """Free what a hold keeps back."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return release_hold(session, scope, hold_id=hold_id)


def let_hold_expire(hold_id: UUID, database: Database) -> None:
    """Turn the clock past the hold's end, as only the database's owner can."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE ledger_holds SET expires_at = now() - interval '1 second' WHERE id = %s",
            [hold_id],
        )
