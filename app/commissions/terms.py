from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.commissions.agreements import TERMS_AS_JSON, read_terms
from app.commissions.rules import Term
from app.kernel import cursor
from app.tenancy import TenantScope

# One step of the index for each booking.
_RATES = text("""
SELECT w.n, (SELECT t.rate FROM commission_terms t
              WHERE t.reseller_id = w.book AND t.beneficiary_id = :reseller
                AND t.valid_from <= w.at AND (t.valid_until IS NULL OR t.valid_until > w.at)
              ORDER BY t.valid_from DESC LIMIT 1) AS rate
  FROM unnest(CAST(:books AS uuid[]), CAST(:times AS timestamptz[])) WITH ORDINALITY
       AS w (book, at, n)
 ORDER BY w.n
""")


def shares_at(session: Session, scope: TenantScope, *, booked_at: datetime) -> list[Term]:
    """Return what every beneficiary kept of a charge in the reseller's own book at a time.

    In the order of the chain, the topmost first; none where nothing was agreed then.
    """
    asked = {"reseller_id": scope.reseller_id, "booked_at": booked_at}
    row = cursor(session).execute(f"SELECT {TERMS_AS_JSON}".encode(), asked).fetchone()
    return read_terms(row[0]) if row is not None and row[0] else []


def rates_kept(
    session: Session, scope: TenantScope, *, bookings: Sequence[tuple[UUID, datetime]]
) -> list[Decimal | None]:
    """Return what part a reseller kept of charges in these books at these times, in their order.

    None where it had no terms in the book.
    """
    books = [book for book, _ in bookings]
    times = [at for _, at in bookings]
    rows = session.execute(_RATES, {"reseller": scope.reseller_id, "books": books, "times": times})
    return [row.rate for row in rows]
