"""What a transaction keeps, what it forgets, and what it leaves behind on its connection."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import audit
from app.audit import AuditRecord
from app.kernel import (
    Event,
    LostWorkError,
    OutboxEvent,
    append,
    cursor,
    emit,
    flush_appended,
    new_id,
    transaction,
)
from app.kernel import db as kernel_db
from app.tenancy import PlatformScope, PublicScope, TenantScope
from tests.conftest import Database
from tests.factories.databases import connected_to

pytestmark = pytest.mark.usefixtures("connected")

_AUDIT = (
    "INSERT INTO audit_records (reseller_id, id, realm, action, facts)"
    " VALUES (%(book)s, %(id)s, 'system', 'something_happened', '{}')"
)


@dataclass(frozen=True)
class SomethingHappened(Event):
    kind: ClassVar[str] = "something_happened"
    id: UUID


@pytest.fixture
def scope() -> TenantScope:
    return TenantScope(new_id())


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every time the relay is woken."""
    heard: list[str] = []
    monkeypatch.setattr(kernel_db._process, "after_emit", lambda: heard.append("ring"))
    return heard


def write(session: Session, scope: TenantScope) -> UUID:
    identifier = new_id()
    append(session, _AUDIT, {"book": scope.reseller_id, "id": identifier})
    return identifier


def acts(scope: TenantScope) -> int:
    with transaction(scope) as session:
        return len(session.scalars(select(AuditRecord)).all())


def events(scope: TenantScope) -> int:
    with transaction(scope) as session:
        return len(session.scalars(select(OutboxEvent)).all())


def tenant_of(session: Session) -> object:
    return session.scalar(text("SELECT current_setting('app.reseller_id', true)"))


def test_a_transaction_keeps_everything_it_appended(scope: TenantScope) -> None:
    with transaction(scope) as session:
        write(session, scope)
        write(session, scope)

    assert acts(scope) == 2


def test_an_error_rolls_back_everything_also_what_was_appended(scope: TenantScope) -> None:
    def act() -> None:
        with transaction(scope) as session:
            write(session, scope)
            flush_appended(session)
            write(session, scope)
            emit(session, scope.reseller_id, SomethingHappened(new_id()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()

    assert (acts(scope), events(scope)) == (0, 0)


def test_an_appended_statement_that_fails_rolls_back_the_rest(
    scope: TenantScope, rings: list[str]
) -> None:
    def act() -> None:
        with transaction(scope) as session:
            identifier = write(session, scope)
            append(session, _AUDIT, {"book": scope.reseller_id, "id": identifier})
            emit(session, scope.reseller_id, SomethingHappened(new_id()))

    with pytest.raises(psycopg.errors.UniqueViolation):
        act()

    assert (acts(scope), events(scope), rings) == (0, 0, [])


def test_a_swallowed_failure_cannot_pass_for_a_commit(scope: TenantScope) -> None:
    def act() -> None:
        with transaction(scope) as session:
            write(session, scope)
            flush_appended(session)
            with suppress(psycopg.errors.DivisionByZero):
                cursor(session).execute("SELECT 1 / 0")

    with pytest.raises(LostWorkError):
        act()

    assert acts(scope) == 0


def test_a_failure_inside_a_savepoint_leaves_the_rest_whole(scope: TenantScope) -> None:
    with transaction(scope) as session:
        write(session, scope)
        with pytest.raises(psycopg.errors.DivisionByZero), session.begin_nested():
            cursor(session).execute("SELECT 1 / 0")

    assert acts(scope) == 1


def test_an_event_is_in_the_outbox_only_after_the_commit(scope: TenantScope) -> None:
    with transaction(scope) as session:
        emit(session, scope.reseller_id, SomethingHappened(new_id()))
        flush_appended(session)
        seen_meanwhile = events(scope)

    assert (seen_meanwhile, events(scope)) == (0, 1)


def test_the_relay_is_woken_once_and_after_the_commit(
    scope: TenantScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    monkeypatch.setattr(kernel_db._process, "after_emit", lambda: found.append(events(scope)))

    with transaction(scope) as session:
        emit(session, scope.reseller_id, SomethingHappened(new_id()))
        emit(session, scope.reseller_id, SomethingHappened(new_id()))

    assert found == [2]


def test_the_relay_sleeps_on_where_nothing_was_emitted(
    scope: TenantScope, rings: list[str]
) -> None:
    with transaction(scope) as session:
        write(session, scope)

    assert rings == []


def test_the_relay_sleeps_on_after_a_roll_back(scope: TenantScope, rings: list[str]) -> None:
    def act() -> None:
        with transaction(scope) as session:
            emit(session, scope.reseller_id, SomethingHappened(new_id()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()

    assert rings == []


def test_an_event_carries_its_ids_as_text(scope: TenantScope) -> None:
    identifier = new_id()

    with transaction(scope) as session:
        emit(session, scope.reseller_id, SomethingHappened(identifier))

    with transaction(scope) as session:
        event = session.scalars(select(OutboxEvent)).one()
        assert (event.kind, event.body) == ("something_happened", {"id": str(identifier)})


def end_well(session: Session) -> None:
    flush_appended(session)


def fail_in_python(session: Session) -> None:
    raise ZeroDivisionError


def fail_in_a_statement(session: Session) -> None:
    session.execute(text("SELECT 1 / 0"))


def fail_at_the_end(session: Session) -> None:
    append(session, "SELECT 1 / 0", {})


@pytest.mark.parametrize("end", [end_well, fail_in_python, fail_in_a_statement, fail_at_the_end])
def test_a_connection_comes_back_without_its_tenant(
    connected: Database, scope: TenantScope, end: Callable[[Session], None]
) -> None:
    with connected_to(connected, crowd=1):
        with suppress(ZeroDivisionError, DBAPIError, psycopg.Error), transaction(scope) as session:
            write(session, scope)
            used, tenant = session.scalar(text("SELECT pg_backend_pid()")), tenant_of(session)
            end(session)

        with transaction(PublicScope()) as session:
            found = session.scalar(text("SELECT pg_backend_pid()")), tenant_of(session)

    assert tenant == str(scope.reseller_id)
    assert found == (used, "")


def test_a_scope_signs_in_as_its_own_role(scope: TenantScope) -> None:
    roles = []

    for each in (scope, PublicScope(), PlatformScope()):
        with transaction(each) as session:
            roles.append(session.scalar(text("SELECT session_user")))

    assert roles == ["kontor_app", "kontor_app", "kontor_platform"]


def test_an_act_is_recorded_with_the_transaction_that_did_it(scope: TenantScope) -> None:
    subject = new_id()

    with transaction(scope) as session:
        audit.record(
            session,
            scope.reseller_id,
            actor=audit.SYSTEM,
            action="tested",
            subject_id=subject,
        )

    with transaction(scope) as session:
        found = session.scalars(select(AuditRecord)).one()
        assert (found.action, found.subject_id, found.facts) == ("tested", subject, {})


def test_an_error_does_not_carry_what_was_asked_for(scope: TenantScope) -> None:
    with pytest.raises(DBAPIError) as failed, transaction(scope) as session:
        session.execute(text("SELECT 1 / 0 WHERE :who <> ''"), {"who": "anna@example.com"})

    assert "anna@example.com" not in str(failed.value)
