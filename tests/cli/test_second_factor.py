import pytest
from sqlalchemy import select

from app.audit import AuditRecord
from app.identity import CustomerUser, PlatformUser, Realm, StaffUser, has_second_factor
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope
from tests.cli.conftest import Operator
from tests.factories import (
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_second_factor,
    a_staff_user,
)


def is_on(user: CustomerUser | StaffUser | PlatformUser) -> bool:
    if isinstance(user, PlatformUser):
        with transaction(PlatformScope()) as session:
            return has_second_factor(
                session, PlatformScope(), realm=Realm.PLATFORM, user_id=user.id
            )
    realm = Realm.CUSTOMER if isinstance(user, CustomerUser) else Realm.STAFF
    scope = TenantScope(user.reseller_id)
    with transaction(scope) as session:
        return has_second_factor(session, scope, realm=realm, user_id=user.id)


@pytest.mark.parametrize("whose", ["admin", "reseller", "customer"])
def test_an_operator_lets_a_locked_out_person_in_and_it_is_audited(
    operator: Operator, whose: str
) -> None:
    a_platform()
    reseller = a_reseller()
    user: CustomerUser | StaffUser | PlatformUser
    if whose == "admin":
        user, arguments = a_platform_user(), []
    elif whose == "reseller":
        user, arguments = a_staff_user(reseller), [reseller.slug]
    else:
        user = a_customer_user(a_customer(reseller))
        arguments = ["--reseller", reseller.slug]
    a_second_factor(user)

    result = operator.runs(whose, "reset-second-factor", *arguments, user.email.upper())
    again = operator.runs(whose, "reset-second-factor", *arguments, user.email)

    with transaction(PlatformScope()) as session:
        record = session.scalars(
            select(AuditRecord).where(
                AuditRecord.reseller_id == (PLATFORM_ID if whose == "admin" else reseller.id),
                AuditRecord.subject_id == user.id,
                AuditRecord.action == "identity.second_factor_off",
            )
        ).one()
    assert result.exit_code == 0, result.output
    assert user.email in result.output
    assert not is_on(user)
    assert (record.realm, record.actor_id) == ("system", None)
    assert again.exit_code == 2
    assert "identity.second_factor_off" in again.output


def test_nobody_is_reset_by_an_unknown_address(operator: Operator) -> None:
    reseller = a_reseller()
    user = a_staff_user(reseller)
    a_second_factor(user)

    result = operator.runs("reseller", "reset-second-factor", reseller.slug, "x@example.com")

    assert result.exit_code == 2
    assert is_on(user)
