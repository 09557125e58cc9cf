"""Credit beside what was paid in: bonus lots, grace limits, credit limits.

Straight through the ledger, until billing has use cases for them.
"""

from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import ledger
from app.billing import Wallet
from app.billing.models import BonusLot
from app.kernel import Money, new_id, now, transaction
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import PLATFORM_ID
from tests.conftest import Database
from tests.factories.money import scope_of_wallet


def a_bonus_lot(wallet: Wallet, minor: int, *, expires_at: datetime | None = None) -> UUID:
    """Give the wallet a bonus and return the lot's account."""
    scope, book, lot = scope_of_wallet(wallet), wallet.reseller_id, new_id()
    with transaction(scope) as session:
        giver = AccountName("promotion", PLATFORM_ID, wallet.currency)
        promotion = ledger.open_account(session, book, giver)
        account = ledger.open_account(session, book, AccountName("bonus", lot, wallet.currency))
        ledger.post(
            session,
            EntryDraft(
                book_id=book,
                kind="bonus",
                key=f"bonus:{lot}",
                input_hash=ledger.fingerprint({"lot": lot, "minor": minor}),
                effective_at=now(),
                transfers=[TransferDraft(promotion, account, Money(minor, wallet.currency))],
                watch=account,
            ),
        )
        session.add(
            BonusLot(
                reseller_id=book,
                id=lot,
                wallet_id=wallet.id,
                account_id=account,
                granted_minor=minor,
                source="test",
                expires_at=expires_at,
            )
        )
        _change(session, wallet, needs_care=True)
    return account


def a_grace_limit(wallet: Wallet, minor: int) -> UUID:
    """Let usage of an empty wallet be owed up to a limit; return the receivable's account."""
    name = AccountName("receivable", wallet.id, wallet.currency)
    with transaction(scope_of_wallet(wallet)) as session:
        account = ledger.open_account(session, wallet.reseller_id, name)
        limit = Money(minor, wallet.currency)
        ledger.set_credit_limit(session, wallet.reseller_id, account, limit)
        _change(session, wallet, receivable_account_id=account)
    return account


def a_credit_limit(wallet: Wallet, minor: int) -> None:
    """Let the wallet itself go below zero, as a postpaid one may."""
    with transaction(scope_of_wallet(wallet)) as session:
        limit = Money(minor, wallet.currency)
        ledger.set_credit_limit(session, wallet.reseller_id, wallet.account_id, limit)


def let_lot_expire(account: UUID, database: Database) -> None:
    """Turn the clock past the lot's end, as only the database's owner can."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE bonus_lots SET expires_at = now() - interval '1 second' WHERE account_id = %s",
            [account],
        )


def _change(session: Session, wallet: Wallet, **values: object) -> None:
    session.execute(
        update(Wallet)
        .where(Wallet.reseller_id == wallet.reseller_id, Wallet.id == wallet.id)
        .values(**values)
    )
