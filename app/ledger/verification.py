"""Proof that the books are right: every invariant of the ledger as one query over all books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import Scope, SignIn
from app.ledger.laws import LAWS, Law

_EXAMINE = """
SELECT count(*), coalesce(
       json_agg(json_build_array(l.id, l.book_id, l.account_id) ORDER BY l.id)
       FILTER (WHERE l.holds IS NOT TRUE), '[]')
  FROM ({law}) AS l
"""


class PartialViewError(PermissionError):
    """A tenant sees its own rows alone: what it calls broken may be whole, and the other way."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """What broke a law. `account_id` names the guarded account whose money is in doubt, if one."""

    id: str
    book_id: UUID | None
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one law: how many rows were examined and which of them broke it."""

    name: str
    description: str
    examined: int
    rows: Sequence[BrokenRow]

    @property
    def broken(self) -> list[str]:
        """Return the ids of what broke the law."""
        return [row.id for row in self.rows]


def verify(session: Session, scope: Scope) -> list[Check]:
    """Check every law of the ledger over all books. Refuses any scope but the platform's."""
    return [examine(session, scope, law) for law in LAWS]


def examine(session: Session, scope: Scope, law: Law) -> Check:
    """Check one law in one query, which sees the books as of one moment even while they move."""
    if scope.sign_in is not SignIn.PLATFORM:
        raise PartialViewError(law.name)
    examined, broken = session.execute(text(_EXAMINE.replace("{law}", law.query))).one()
    rows = [
        BrokenRow(identifier, _read_id(book), _read_id(account))
        for identifier, book, account in broken
    ]
    return Check(law.name, law.description, examined, rows)


def _read_id(value: str | None) -> UUID | None:
    return UUID(value) if value else None
