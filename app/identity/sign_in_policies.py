"""Whether a tenant demands a second factor of those who work for it: its staff, or its admins."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.accounts import require_staff_owner
from app.identity.models import Realm
from app.identity.people import SignInScope, book_of
from app.identity.sign_in_models import SignInPolicy
from app.tenancy import TenantScope


def is_second_factor_demanded(session: Session, scope: SignInScope, *, realm: Realm) -> bool:
    """Return whether the tenant demands a second factor in a realm; never of its customers."""
    if realm is Realm.CUSTOMER:
        return False
    found = session.scalar(
        select(SignInPolicy.demands_second_factor).where(SignInPolicy.reseller_id == book_of(scope))
    )
    return bool(found)


def demand_second_factor(
    session: Session, scope: SignInScope, *, is_demanded: bool, actor: audit.Actor
) -> None:
    """Demand a second factor of a reseller's staff or the platform's admins, or no longer.

    It counts from everybody's next sign-in on. Refuses staff who are no owners.
    """
    if isinstance(scope, TenantScope):
        require_staff_owner(session, scope, actor=actor)
    written = insert(SignInPolicy).values(
        reseller_id=book_of(scope), demands_second_factor=is_demanded
    )
    session.execute(
        written.on_conflict_do_update(
            index_elements=["reseller_id"], set_={"demands_second_factor": is_demanded}
        )
    )
    audit.record(
        session,
        book_of(scope),
        actor=actor,
        action="identity.second_factor_demanded",
        facts={"is_demanded": is_demanded},
    )
