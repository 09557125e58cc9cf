from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.tenancy import TenantScope

_ONE_AT_A_TIME = select(text("pg_advisory_xact_lock(hashtextextended('brand:' || :tenant, 0))"))


def take_turn(session: Session, scope: TenantScope) -> None:
    """Wait until nobody else changes this tenant's draft or pictures, till the transaction ends.

    Where there is no draft yet, no row is there to be locked.
    """
    session.execute(_ONE_AT_A_TIME, {"tenant": str(scope.reseller_id)})
