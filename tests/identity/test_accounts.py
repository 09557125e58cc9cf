import pytest
from sqlalchemy import func, select

from app.identity import (
    CustomerNotFoundError,
    CustomerUser,
    EmailTakenError,
    InvalidEmailError,
    NumberTakenError,
    WeakPasswordError,
    get_customer,
    list_customers,
)
from app.kernel import AppError, transaction
from app.tenancy import TenantScope
from tests.factories import (
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)

pytestmark = pytest.mark.usefixtures("connected")


def users_of(scope: TenantScope) -> int:
    with transaction(scope) as session:
        count = session.scalar(
            select(func.count())
            .select_from(CustomerUser)
            .where(CustomerUser.reseller_id == scope.reseller_id)
        )
    return count or 0


def test_a_number_is_taken_at_one_reseller_and_free_at_the_next() -> None:
    first, second = a_reseller(), a_reseller()
    a_customer(first, number="K-1001")

    a_customer(second, number="K-1001")

    with pytest.raises(NumberTakenError):
        a_customer(first, number="K-1001")


def test_another_resellers_customer_looks_like_none() -> None:
    first, second = a_reseller(), a_reseller()
    customer = a_customer(first)

    with (
        pytest.raises(CustomerNotFoundError),
        transaction(scope_of(second)) as session,
    ):
        get_customer(session, scope_of(second), customer_id=customer.id)


def test_a_list_of_customers_is_the_resellers_own_newest_first() -> None:
    first, second = a_reseller(), a_reseller()
    older, newer = a_customer(first), a_customer(first)
    a_customer(second)

    with transaction(scope_of(first)) as session:
        listed = list_customers(session, scope_of(first))

    assert [each.id for each in listed] == [newer.id, older.id]


@pytest.mark.parametrize(
    ("email", "password", "refusal"),
    [
        ("no address", "long enough, this one", InvalidEmailError),
        ("anna@example.com", "short", WeakPasswordError),
    ],
)
def test_a_refused_user_leaves_nothing(email: str, password: str, refusal: type[AppError]) -> None:
    reseller = a_reseller()
    customer = a_customer(reseller)

    with pytest.raises(refusal):
        a_customer_user(customer, email=email, password=password)

    assert users_of(scope_of(reseller)) == 0


def test_an_address_is_taken_in_any_spelling() -> None:
    reseller = a_reseller()
    customer = a_customer(reseller)
    email = f"{unique('anna')}@example.com"
    a_customer_user(customer, email=email)
    a_staff_user(reseller, email=email)
    a_platform_user(email=email)

    with pytest.raises(EmailTakenError):
        a_customer_user(customer, email=email.upper())
    with pytest.raises(EmailTakenError):
        a_staff_user(reseller, email=email.upper())
    with pytest.raises(EmailTakenError):
        a_platform_user(email=email.upper())

    assert users_of(scope_of(reseller)) == 1
