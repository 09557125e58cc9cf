"""Lines of customers: subjects by which a meter names whose usage it is."""

from datetime import datetime

from app.billing import Wallet
from app.identity import assign_subject
from app.kernel import now, transaction
from app.tenancy import TenantScope
from tests.factories.money import LONG_AGO
from tests.factories.names import unique


def a_line(
    wallet: Wallet, subject: str | None = None, *, valid_from: datetime | None = None
) -> str:
    """A line of the wallet's customer, by default since long ago."""
    name = subject or f"line:{unique('+49')}"
    scope = TenantScope(wallet.reseller_id)
    with transaction(scope) as session:
        assign_subject(
            session,
            scope,
            subject=name,
            customer_id=wallet.customer_id,
            valid_from=valid_from or LONG_AGO,
            now=now(),
        )
    return name
