from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import derived_id


@dataclass(frozen=True, slots=True)
class AccountName:
    """What makes an account unique in its book; its id is derived from it (decision 0003)."""

    kind: str
    owner_id: UUID
    currency: str


@lru_cache(maxsize=100_000)
def account_id(book_id: UUID, name: AccountName) -> UUID:
    """Return the id the account has in this book, open or not."""
    return derived_id(book_id, f"{name.kind}:{name.owner_id}:{name.currency}")


def open_account(
    session: Session, book_id: UUID, name: AccountName, *, credit_limit: int = 0
) -> UUID:
    """Make the account if it is not there and return its id; safe to repeat.

    `credit_limit` (minor units) counts for a guarded kind when it is first opened.
    """
    identifier = account_id(book_id, name)
    session.execute(
        text("SELECT ledger_open_account(:book, :id, :kind, :owner, :currency, :credit_limit)"),
        {
            "book": book_id,
            "id": identifier,
            "kind": name.kind,
            "owner": name.owner_id,
            "currency": name.currency,
            "credit_limit": credit_limit,
        },
    )
    return identifier
