"""Proof that the books are right: every invariant of the ledger as one query over all books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import Scope, SignIn
from app.ledger.errors import PartialViewError
from app.ledger.laws import LAWS, Law
from app.ledger.reach import Reach, relations

_EXAMINE = """
SELECT count(*), coalesce(
       json_agg(json_build_array(l.id, l.book_id, l.account_id) ORDER BY l.id)
       FILTER (WHERE l.holds IS NOT TRUE), '[]')
  FROM ({law}) AS l
"""


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


def verify(session: Session, scope: Scope, *, reach: Reach = Reach.WHOLE) -> list[Check]:
    """Check the laws of the ledger over all books. Refuses any scope but the platform's.

    `Reach.NEW` looks at what `mark_new` marked before in the same transaction.
    """
    return examine_all(session, scope, LAWS, reach=reach, among=relations(reach))


def examine_all(
    session: Session, scope: Scope, laws: Sequence[Law], *, reach: Reach, among: Mapping[str, str]
) -> list[Check]:
    """Check those of the laws that `reach` asks for; `among` says what their relations are."""
    return [
        examine(session, scope, law, among=among)
        for law in laws
        if law.incremental or reach is Reach.WHOLE
    ]


def examine(
    session: Session, scope: Scope, law: Law, *, among: Mapping[str, str] | None = None
) -> Check:
    """Check one law in one query, which sees the books as of one moment even while they move."""
    if scope.sign_in is not SignIn.PLATFORM:
        raise PartialViewError(law.name)
    query = examination(law, among=among)
    examined, broken = session.execute(text(query)).one()
    rows = [
        BrokenRow(identifier, _read_id(book), _read_id(account))
        for identifier, book, account in broken
    ]
    return Check(law.name, law.description, examined, rows)


def examination(law: Law, *, among: Mapping[str, str] | None = None) -> str:
    """Return the query that counts what a law examines and lists what breaks it."""
    known = relations(Reach.WHOLE) if among is None else among
    # Not materialized: the planner sees through to the tables and their indexes.
    named = [
        f"{name} AS NOT MATERIALIZED ({query})"
        for name, query in known.items()
        if name in law.query
    ]
    head = f"WITH {', '.join(named)}" if named else ""
    return head + _EXAMINE.replace("{law}", law.query)


def _read_id(value: str | None) -> UUID | None:
    return UUID(value) if value else None
