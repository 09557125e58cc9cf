"""One proof of all the books: every law, the exported heads, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import ledger
from app.billing.models import Wallet
from app.billing.verification import freeze_wallets, verify
from app.kernel import transaction
from app.ledger import Check, HeadLog, Reach
from app.tenancy import PlatformScope

# A proof of the whole runs every night; what is new looks back a little further than that.
_LINES_LOOKED_BACK = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of every law, and which wallets were newly frozen."""

    checks: Sequence[Check]
    frozen: Sequence[Wallet]

    @property
    def broken(self) -> list[Check]:
        """Return the laws that something breaks."""
        return [check for check in self.checks if check.broken]


def prove_books(
    log: HeadLog, scope: PlatformScope, *, now: datetime, reach: Reach, freeze: bool
) -> Proof:
    """Check every law of the books and of the exported heads; opens its own transactions.

    `Reach.NEW` looks at what was booked since each book's last verified seal, and its time grows
    with that; `Reach.WHOLE` counts from zero. Where all is well the books count as verified up to
    the seals they had at the start. `freeze` stops charges of each wallet whose money is in doubt.
    """
    since = now - _LINES_LOOKED_BACK if reach is Reach.NEW else None
    exported = ledger.examine_export(log, scope, since=since)
    with transaction(scope) as session:
        ledger.mark_new(session, scope, reach)
        checks = [
            *ledger.verify(session, scope, reach=reach),
            *verify(session, scope, reach=reach),
            *exported,
        ]
        if not any(check.broken for check in checks):
            ledger.record_verified(session, scope)
    if not freeze:
        return Proof(checks, [])
    with transaction(scope) as session:
        return Proof(checks, freeze_wallets(session, scope, checks=checks))
