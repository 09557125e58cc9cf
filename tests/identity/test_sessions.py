from datetime import timedelta

import pytest
from sqlalchemy import select

from app.audit import AuditRecord
from app.identity import Realm, SignedIn, SignInRefusedError, find_signed_in, sign_in, sign_out
from app.identity.models import UserSession
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)

pytestmark = pytest.mark.usefixtures("connected")
HOST = "nordlicht.kontor.test"


def signed_in(
    scope: TenantScope | PlatformScope, realm: Realm, email: str, password: str = PASSWORD
) -> str:
    with transaction(scope) as session:
        return sign_in(
            session, scope, realm=realm, email=email, password=password, host=HOST, now=now()
        ).token


def who(
    scope: TenantScope | PlatformScope, realm: Realm, token: str, host: str = HOST
) -> SignedIn | None:
    with transaction(scope) as session:
        return find_signed_in(session, scope, realm=realm, token=token, host=host, now=now())


def test_a_customer_signs_in_with_any_spelling_of_the_address() -> None:
    reseller = a_reseller()
    customer = a_customer(reseller)
    email = f"{unique('anna')}@example.com"
    user = a_customer_user(customer, email=email)

    token = signed_in(scope_of(reseller), Realm.CUSTOMER, f"  {email.upper()} ")

    assert who(scope_of(reseller), Realm.CUSTOMER, token) == SignedIn(
        Realm.CUSTOMER, user.id, user.name, email, customer.id, "owner"
    )


def test_r14_a_token_of_one_reseller_is_worthless_at_another_and_in_another_realm() -> None:
    first, second = a_reseller(), a_reseller()
    user = a_customer_user(a_customer(first))
    token = signed_in(scope_of(first), Realm.CUSTOMER, user.email)

    elsewhere = [
        who(scope_of(second), Realm.CUSTOMER, token),
        who(scope_of(first), Realm.STAFF, token),
        who(scope_of(first), Realm.CUSTOMER, token, host="other.example"),
        who(PlatformScope(), Realm.PLATFORM, token),
    ]

    assert elsewhere == [None] * 4


def test_an_unknown_address_and_a_wrong_password_are_refused_alike() -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    answers = []

    for email, password in [
        (user.email, "not the password"),
        (user.email, "x" * 10_000),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
    ]:
        with pytest.raises(SignInRefusedError) as refused:
            signed_in(scope_of(reseller), Realm.CUSTOMER, email, password)
        answers.append((refused.value.code, refused.value.facts))

    assert answers == [("identity.sign_in_refused", {})] * 4


def test_the_same_address_is_two_people_at_two_resellers() -> None:
    first, second = a_reseller(), a_reseller()
    email = f"{unique('both')}@example.com"
    one = a_customer_user(a_customer(first), email=email, password="first password")
    two = a_customer_user(a_customer(second), email=email, password="second password")

    seen_first = who(
        scope_of(first),
        Realm.CUSTOMER,
        signed_in(scope_of(first), Realm.CUSTOMER, email, "first password"),
    )
    seen_second = who(
        scope_of(second),
        Realm.CUSTOMER,
        signed_in(scope_of(second), Realm.CUSTOMER, email, "second password"),
    )

    assert seen_first is not None
    assert seen_first.user_id == one.id
    assert seen_second is not None
    assert seen_second.user_id == two.id
    with pytest.raises(SignInRefusedError):
        signed_in(scope_of(first), Realm.CUSTOMER, email, "second password")


def test_three_realms_hold_three_accounts_with_one_address() -> None:
    a_platform()
    reseller = a_reseller()
    email = f"{unique('same')}@example.com"
    a_customer_user(a_customer(reseller), email=email, password="as a customer")
    a_staff_user(reseller, email=email, password="as a colleague")
    a_platform_user(email=email, password="as an admin of it")

    staff = who(
        scope_of(reseller),
        Realm.STAFF,
        signed_in(scope_of(reseller), Realm.STAFF, email, "as a colleague"),
    )
    admin = who(
        PlatformScope(),
        Realm.PLATFORM,
        signed_in(PlatformScope(), Realm.PLATFORM, email, "as an admin of it"),
    )

    assert staff is not None
    assert (staff.realm, staff.role, staff.customer_id) == (Realm.STAFF, "owner", None)
    assert admin is not None
    assert (admin.realm, admin.role, admin.customer_id) == (Realm.PLATFORM, None, None)
    with pytest.raises(SignInRefusedError):
        signed_in(scope_of(reseller), Realm.CUSTOMER, email, "as a colleague")


def test_a_session_ends_by_time_and_by_signing_out() -> None:
    reseller = a_reseller()
    scope = scope_of(reseller)
    user = a_customer_user(a_customer(reseller))
    token = signed_in(scope, Realm.CUSTOMER, user.email)

    with transaction(scope) as session:
        late = find_signed_in(
            session,
            scope,
            realm=Realm.CUSTOMER,
            token=token,
            host=HOST,
            now=now() + timedelta(hours=13),
        )
    with transaction(scope) as session:
        sign_out(session, scope, realm=Realm.CUSTOMER, token=token, now=now())
        sign_out(session, scope, realm=Realm.CUSTOMER, token=token, now=now())

    assert late is None
    assert who(scope, Realm.CUSTOMER, token) is None


def test_neither_token_nor_address_reaches_sessions_or_audit() -> None:
    reseller = a_reseller()
    scope = scope_of(reseller)
    user = a_customer_user(a_customer(reseller))

    token = signed_in(scope, Realm.CUSTOMER, user.email)

    with transaction(scope) as session:
        records = session.scalars(
            select(AuditRecord).where(AuditRecord.reseller_id == reseller.id)
        ).all()
        sessions = session.scalars(
            select(UserSession).where(UserSession.reseller_id == reseller.id)
        ).all()
    assert [each.action for each in records][-1] == "identity.signed_in"
    written = repr([(each.actor_id, each.subject_id, each.facts) for each in records])
    assert user.email not in written
    assert token.encode() not in [each.id for each in sessions]
