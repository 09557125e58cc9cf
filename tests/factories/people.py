from collections.abc import Collection

from app.identity import (
    ApiKey,
    Customer,
    CustomerUser,
    PlatformApiKey,
    PlatformUser,
    StaffUser,
    add_customer,
    add_customer_user,
    add_platform_user,
    add_staff_user,
    make_api_key,
    make_platform_api_key,
)
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.factories.names import unique

PASSWORD = "correct horse battery staple"


def a_customer(
    reseller: Tenant, *, number: str | None = None, name: str = "Physiotherapie Sonnental"
) -> Customer:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return add_customer(session, scope, number=number or unique("K"), name=name)


def a_customer_user(
    customer: Customer,
    *,
    email: str | None = None,
    name: str = "Anna Adler",
    password: str = PASSWORD,
) -> CustomerUser:
    scope = TenantScope(customer.reseller_id)
    with transaction(scope) as session:
        return add_customer_user(
            session,
            scope,
            customer_id=customer.id,
            email=email or f"{unique('anna')}@example.com",
            name=name,
            password=password,
        )


def a_staff_user(
    reseller: Tenant,
    *,
    email: str | None = None,
    name: str = "Stefan Stark",
    password: str = PASSWORD,
) -> StaffUser:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return add_staff_user(
            session,
            scope,
            email=email or f"{unique('stefan')}@example.com",
            name=name,
            password=password,
        )


def a_platform_user(
    *, email: str | None = None, name: str = "Petra Platt", password: str = PASSWORD
) -> PlatformUser:
    with transaction(PlatformScope()) as session:
        return add_platform_user(
            session,
            PlatformScope(),
            email=email or f"{unique('petra')}@example.com",
            name=name,
            password=password,
        )


def an_api_key(
    reseller: Tenant, *, scopes: Collection[str] = ("usage:write", "balance:read")
) -> tuple[ApiKey, str]:
    """A key and its secret."""
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return make_api_key(session, scope, name="Test", scopes=scopes)


def a_platform_key(
    *, scopes: Collection[str] = ("usage:write", "balance:read")
) -> tuple[PlatformApiKey, str]:
    """A key of the platform and its secret."""
    with transaction(PlatformScope()) as session:
        return make_platform_api_key(session, PlatformScope(), name="Meter", scopes=scopes)
