"""A transaction of one statement is that statement; anything more makes it an ordinary one."""

import psycopg
import pytest
from sqlalchemy import text

from app.audit import AuditRecord
from app.billing import (
    BalanceChanged,
    InsufficientFundsError,
    UsageEvent,
    Wallet,
    charge_usage,
)
from app.kernel import (
    AppError,
    SoleStatementError,
    alone,
    cursor,
    emit,
    is_sole,
    new_id,
    now,
    transaction,
)
from app.kernel import db as kernel_db
from app.tenancy import TenantScope
from tests.conftest import Database
from tests.factories.databases import connected_to
from tests.factories.money import (
    a_wallet,
    an_event,
    charge,
    funds_of,
    scope_of_wallet,
)

pytestmark = pytest.mark.usefixtures("connected")
IN_TRANSACTION = b"SELECT pg_current_xact_id_if_assigned()::text, now() = statement_timestamp()"


@pytest.fixture
def scope() -> TenantScope:
    return TenantScope(new_id())


def charge_alone(wallet: Wallet, usage: UsageEvent) -> int:
    scope = scope_of_wallet(wallet)
    with transaction(scope, sole=True) as session:
        return charge_usage(session, scope, usage=usage, now=now()).balance.minor


def test_a_sole_statement_is_the_whole_transaction(scope: TenantScope) -> None:
    with transaction(scope, sole=True) as session:
        alone(session, b"SELECT pg_sleep(0)", [])
        row = None
        with pytest.raises(SoleStatementError):
            row = alone(session, IN_TRANSACTION, [])

    assert row is None


def test_a_transaction_is_sole_until_it_begins_or_its_statement_has_run(scope: TenantScope) -> None:
    with transaction(scope, sole=True) as session:
        seen = [is_sole(session)]
        with pytest.raises(psycopg.errors.DivisionByZero):
            alone(session, b"SELECT 1 / 0", [])
        seen.append(is_sole(session))
        alone(session, b"SELECT 1", [])
        seen.append(is_sole(session))
    with transaction(scope, sole=True) as session:
        cursor(session).execute(b"SELECT 1")
        seen.append(is_sole(session))

    assert seen == [True, True, False, False]


@pytest.mark.parametrize("how", ["cursor", "session", "append"])
def test_after_a_sole_statement_nothing_else_may_follow(scope: TenantScope, how: str) -> None:
    def more() -> None:
        with transaction(scope, sole=True) as session:
            alone(session, b"SELECT 1", [])
            if how == "cursor":
                cursor(session).execute(b"SELECT 1")
            elif how == "session":
                session.execute(text("SELECT 1"))
            else:
                emit(session, scope.reseller_id, BalanceChanged(new_id(), new_id()))

    with pytest.raises(SoleStatementError):
        more()


def test_whatever_is_done_first_makes_it_an_ordinary_transaction(scope: TenantScope) -> None:
    with transaction(scope, sole=True) as session:
        tenant = session.scalar(text("SELECT current_setting('app.reseller_id', true)"))
        begun = alone(session, IN_TRANSACTION, [])
        cursor(session).execute(b"SELECT 1")

    assert tenant == str(scope.reseller_id)
    assert begun == (None, False)


def test_rows_of_a_sole_transaction_that_were_only_added_are_written(scope: TenantScope) -> None:
    identifier = new_id()

    with transaction(scope, sole=True) as session:
        session.add(
            AuditRecord(
                reseller_id=scope.reseller_id, id=identifier, realm="system", action="t", facts={}
            )
        )

    with transaction(scope) as session:
        assert session.get(AuditRecord, (scope.reseller_id, identifier)) is not None


def test_a_statement_that_found_nothing_may_be_followed_by_others(scope: TenantScope) -> None:
    with transaction(scope, sole=True) as session:
        nothing = alone(session, b"SELECT 1 WHERE false", [])
        something = cursor(session).execute(b"SELECT 1").fetchone()

    assert (nothing, something) == (None, (1,))


def test_a_charge_alone_does_what_a_charge_in_a_transaction_does() -> None:
    one, other = a_wallet(1_000), a_wallet(1_000)
    for wallet in (one, other):
        charge(wallet, "1")

    left = charge_alone(one, an_event(one, "100")), charge(other, "100").balance.minor

    assert left == (899, 899)
    assert funds_of(one) == funds_of(other) == 899


def test_a_charge_alone_is_repeated_with_the_same_answer() -> None:
    wallet = a_wallet(1_000)
    charge(wallet, "1")
    usage = an_event(wallet, "100")

    answers = [charge_alone(wallet, usage) for _ in range(3)]

    assert answers == [899, 899, 899]
    assert funds_of(wallet) == 899


def test_a_charge_alone_that_is_refused_changes_nothing() -> None:
    wallet = a_wallet(1_000)
    charge(wallet, "1")

    with pytest.raises(InsufficientFundsError):
        charge_alone(wallet, an_event(wallet, "1000"))

    assert funds_of(wallet) == 999


def test_a_charge_alone_wakes_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    wallet = a_wallet(1_000)
    charge(wallet, "1")
    rings: list[int] = []
    monkeypatch.setattr(kernel_db._process, "after_emit", lambda: rings.append(1))

    charge_alone(wallet, an_event(wallet, "1"))

    assert rings == [1]


def test_a_connection_comes_back_from_a_charge_alone_without_its_tenant(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    with connected_to(connected, crowd=1):
        charge(wallet, "1")
        charge_alone(wallet, an_event(wallet, "1"))

        with transaction(scope_of_wallet(wallet), sole=True) as session:
            left = alone(session, b"SELECT current_setting('app.reseller_id', true)", [])

    assert left == ("",)


def test_a_charge_of_another_tenants_wallet_inside_a_transaction_meets_the_wall(
    scope: TenantScope,
) -> None:
    wallet = a_wallet(1_000)
    foreign = scope_of_wallet(wallet)
    charge(wallet, "1")
    usage = an_event(wallet, "1")

    with transaction(scope) as session, pytest.raises(AppError) as met:
        charge_usage(session, foreign, usage=usage, now=now())

    assert met.value is not None
    assert funds_of(wallet) == 999


def test_a_lost_connection_costs_one_charge_and_not_the_next(connected: Database) -> None:
    wallet = a_wallet(1_000)
    with connected_to(connected, crowd=1):
        charge(wallet, "1")
        with transaction(scope_of_wallet(wallet), sole=True) as session:
            backend = alone(session, b"SELECT pg_backend_pid()", [])
        with psycopg.connect(connected.owner_url) as owner:
            owner.execute("SELECT pg_terminate_backend(%s)", backend)

        with pytest.raises(psycopg.OperationalError):
            charge_alone(wallet, an_event(wallet, "1"))
        left = charge_alone(wallet, an_event(wallet, "1"))

    assert left == 998
