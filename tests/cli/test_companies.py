"""Users, blocks, subjects, sub-resellers and the platform's keys at the command line."""

from datetime import timedelta

import pytest

from app import identity
from app.billing import WalletState, get_wallet
from app.identity import Customer, Realm
from app.kernel import now, transaction
from app.tenancy import PlatformScope, Tenant, TenantScope, get_reseller
from tests.cli.conftest import Operator
from tests.factories import PASSWORD, a_customer, a_customer_user, a_reseller, scope_of, unique
from tests.factories.money import a_priced_reseller, a_wallet

SCOPE = PlatformScope()


@pytest.fixture
def reseller(operator: Operator) -> Tenant:
    return a_reseller()


def test_a_key_of_the_platform_is_made_listed_and_revoked(operator: Operator) -> None:
    name = unique("meter")

    made = operator.runs("admin", "key-add", name, "--scope", "usage:write")
    secret = made.output.strip()
    with transaction(SCOPE) as session:
        holder = identity.find_platform_api_key(session, SCOPE, secret=secret)
    listed = operator.runs("admin", "key-list")
    revoked = operator.runs("admin", "key-revoke", str(holder and holder.id))

    assert holder is not None
    assert (made.exit_code, listed.exit_code, revoked.exit_code) == (0, 0, 0)
    assert name in listed.output
    assert secret not in listed.output
    with transaction(SCOPE) as session:
        assert identity.find_platform_api_key(session, SCOPE, secret=secret) is None


def test_a_key_without_a_scope_is_not_made(operator: Operator) -> None:
    assert operator.runs("admin", "key-add", "Meter").exit_code == 2


def test_a_customer_is_blocked_and_unblocked(operator: Operator) -> None:
    wallet = a_wallet(0, reseller=(owner := a_priced_reseller()))
    scope = scope_of(owner)
    with transaction(scope) as session:
        number = identity.get_customer(session, scope, customer_id=wallet.customer_id).number

    def state() -> str:
        with transaction(scope) as session:
            return get_wallet(session, scope, customer_id=wallet.customer_id).state

    blocked = operator.runs(
        "customer", "block", number, "--reseller", owner.slug, "--reason", "unpaid"
    )
    during = state()
    listed = operator.runs("customer", "list", "--reseller", owner.slug)
    unblocked = operator.runs("customer", "unblock", number, "--reseller", owner.slug)

    assert (blocked.exit_code, listed.exit_code, unblocked.exit_code) == (0, 0, 0)
    assert (during, state()) == (WalletState.BLOCKED.value, WalletState.ACTIVE.value)
    assert "blocked" in listed.output


def test_users_of_a_customer_come_and_go(operator: Operator, reseller: Tenant) -> None:
    customer = a_customer(reseller)
    owner = a_customer_user(customer)
    email, of = f"{unique('maren')}@example.com", ("--reseller", reseller.slug)

    added = operator.runs(
        "customer", "user-add", customer.number, email, *of, "--name", "Maren",
        types=f"{PASSWORD}\n",
    )  # fmt: skip
    listed = operator.runs("customer", "user-list", customer.number, *of)
    removed = operator.runs("customer", "user-remove", customer.number, email.upper(), *of)
    again = operator.runs("customer", "user-remove", customer.number, email, *of)
    last = operator.runs("customer", "user-remove", customer.number, owner.email, *of)

    assert (added.exit_code, listed.exit_code, removed.exit_code) == (0, 0, 0), added.output
    assert "member" in added.output
    assert PASSWORD not in added.output
    assert email in listed.output
    assert "[identity.user_not_found]" in again.output
    assert "[identity.last_owner]" in last.output


def found_by(reseller: Tenant, subject: str) -> object:
    with transaction(scope_of(reseller)) as session:
        return identity.find_customer(session, scope_of(reseller), subject=subject, at=now())


def test_a_line_is_given_found_listed_and_released(operator: Operator, reseller: Tenant) -> None:
    customer: Customer = a_customer(reseller)
    line, of = f"line:{unique('+49')}", ("--reseller", reseller.slug)
    since = f"{now() - timedelta(days=2):%Y-%m-%d}"

    added = operator.runs("customer", "subject-add", customer.number, line, *of, "--from", since)
    given = found_by(reseller, line)
    found = operator.runs("customer", "subject-find", line.upper())
    long_ago = operator.runs("customer", "subject-find", line, "--at", "2020-01-01T00:00:00")
    listed = operator.runs("customer", "subject-list", customer.number, *of)
    released = operator.runs("customer", "subject-release", line, *of)

    results = (added, found, long_ago, listed, released)
    assert [each.exit_code for each in results] == [0] * 5
    assert (given, found_by(reseller, line)) == (customer.id, None)
    assert found.output.strip() == f"{reseller.slug} {customer.number}"
    assert long_ago.output.strip() == "nobody's"
    assert line in listed.output


def test_a_line_that_is_in_use_elsewhere_is_refused(operator: Operator, reseller: Tenant) -> None:
    theirs, mine = a_customer(a_reseller()), a_customer(reseller)
    line, scope = f"line:{unique('+49')}", TenantScope(theirs.reseller_id)
    with transaction(scope) as session:
        identity.assign_subject(
            session, scope, subject=line, customer_id=theirs.id, valid_from=now(), now=now()
        )

    refused = operator.runs(
        "customer", "subject-add", mine.number, line, "--reseller", reseller.slug
    )

    assert refused.exit_code == 2
    assert "[identity.subject_taken]" in refused.output
    assert found_by(reseller, line) is None


def test_a_reseller_is_opened_below_another_one(operator: Operator) -> None:
    parent, slug = a_priced_reseller(rate="0.25"), unique("below")
    arguments = (
        "reseller", "sub-add", parent.slug, slug, "--name", "Hafen", "--email",
        "imke@example.com", "--staff-name", "Imke Jansen", "--commission",
    )  # fmt: skip

    greedy = operator.runs(*arguments, "0.3", types=f"{PASSWORD}\n")
    made = operator.runs(*arguments, "0.15", types=f"{PASSWORD}\n")
    listed = operator.runs("reseller", "sub-list", parent.slug)

    assert "[commissions.rate_refused]" in greedy.output
    assert (made.exit_code, listed.exit_code) == (0, 0), made.output
    assert slug in listed.output
    with transaction(SCOPE) as session:
        scope = scope_of(get_reseller(session, SCOPE, slug=slug))
    with transaction(scope) as session:
        assert identity.sign_in(
            session, scope, realm=Realm.STAFF, email="imke@example.com", password=PASSWORD,
            host="below.test", now=now(),
        )  # fmt: skip
