from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

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
