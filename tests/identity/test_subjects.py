"""Whose a line is, as of any time; among resellers it is one's at a time (requirement C12)."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.audit import AuditRecord
from app.embedded import PostgresServer
from app.identity import (
    Customer,
    CustomerNotFoundError,
    SubjectDateTakenError,
    SubjectHistoryFixedError,
    SubjectHolder,
    SubjectNotAssignedError,
    SubjectRefusedError,
    SubjectTakenError,
    assign_subject,
    find_customer,
    find_customers,
    find_owners,
    list_subjects,
    normalise_subject,
)
from app.kernel import AppError, transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import a_customer, a_reseller, scope_of, unique
from tests.factories.broken_locks import forget_the_queue_of_subjects
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.races import all_at_once, answers, refusals

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(12)]
# Before all dates of these tests: whatever is assigned lies in the future.
EARLY = START - timedelta(days=1)
LATE = DAYS[-1] + timedelta(days=1)


@pytest.fixture(autouse=True)
def _connected(connected: Database) -> None:
    pass


def a_line() -> str:
    return f"line:{unique('+49')}"


def assign(
    customer: Customer | Tenant, subject: str, valid_from: datetime, *, now: datetime = EARLY
) -> None:
    """Give the line to a customer; a reseller lets go of it."""
    is_customer = isinstance(customer, Customer)
    scope = TenantScope(customer.reseller_id if isinstance(customer, Customer) else customer.id)
    with transaction(scope) as session:
        assign_subject(
            session,
            scope,
            subject=subject,
            customer_id=customer.id if is_customer else None,
            valid_from=valid_from,
            now=now,
        )


def customer_at(reseller: Tenant, subject: str, at: datetime) -> UUID | None:
    with transaction(scope_of(reseller)) as session:
        return find_customer(session, scope_of(reseller), subject=subject, at=at)


def owners_at(pairs: Sequence[tuple[str, datetime]]) -> list[SubjectHolder | None]:
    with transaction(PlatformScope()) as session:
        return find_owners(session, PlatformScope(), pairs)


def rows_of(subject: str) -> list[tuple[object, ...]]:
    """Everything that is stored of a subject, of all resellers."""
    with transaction(PlatformScope()) as session:
        mine = session.execute(
            text("SELECT reseller_id, valid_from, customer_id FROM subjects WHERE subject = :s"),
            {"s": subject},
        )
        owned = session.execute(
            text("SELECT reseller_id, valid_from FROM subject_owners WHERE subject = :s"),
            {"s": subject},
        )
        return sorted((tuple(row) for row in [*mine, *owned]), key=str)


def test_a_line_is_found_from_its_date_on_and_after_a_change_in_the_past_too() -> None:
    reseller, line = a_reseller(), a_line()
    first, second = a_customer(reseller), a_customer(reseller)
    assign(first, line, DAYS[2])
    assign(second, line, DAYS[5])
    assign(reseller, line, DAYS[8])

    found = [customer_at(reseller, line, DAYS[day]) for day in (1, 2, 4, 5, 7, 8, 11)]

    assert found == [None, first.id, first.id, second.id, second.id, None, None]


def test_one_query_answers_a_batch_in_its_order() -> None:
    reseller = a_reseller()
    lines, customers = [a_line() for _ in range(3)], [a_customer(reseller) for _ in range(3)]
    for line, customer in zip(lines, customers, strict=True):
        assign(customer, line, DAYS[2])
    pairs = [
        (lines[2], DAYS[3]), (lines[0].upper(), DAYS[3]), ("no subject", DAYS[3]),
        (lines[1], DAYS[1]), (lines[2], DAYS[3]), ("line:\x00", DAYS[3]),
    ]  # fmt: skip
    scope = scope_of(reseller)

    with transaction(scope) as session:
        found = find_customers(session, scope, pairs)
        none = find_customers(session, scope, [])

    expected = [customers[2].id, customers[0].id, None, None, customers[2].id, None]
    assert (found, none) == (expected, [])
    owners = [None if each is None else SubjectHolder(reseller.id, each) for each in expected]
    assert owners_at(pairs) == owners


@pytest.mark.parametrize(
    "subject",
    ["", "x", " x ", "line: 1", "line:1 2", "line:\n1", "line:\x00", "\ud800" * 3, "x" * 121],
)
def test_what_is_no_subject_is_refused(subject: str) -> None:
    customer = a_customer(a_reseller())

    with pytest.raises(SubjectRefusedError):
        assign(customer, subject, DAYS[0])

    with transaction(TenantScope(customer.reseller_id)) as session:
        scope = TenantScope(customer.reseller_id)
        assert list_subjects(session, scope, customer_id=customer.id) == []


@given(st.text(max_size=140))
def test_any_text_is_a_subject_in_one_form_or_refused(raw: str) -> None:
    try:
        subject = normalise_subject(raw)
    except SubjectRefusedError:
        return

    assert normalise_subject(subject) == subject
    assert normalise_subject(f" {raw}\n") == subject
    assert 2 <= len(subject) <= 120


def refused(
    customer: Customer | Tenant, line: str, at: datetime, *, now: datetime = EARLY
) -> type[AppError]:
    """The refusal of an assignment, which changed nothing."""
    before = rows_of(line)
    with pytest.raises(AppError) as refusal:
        assign(customer, line, at, now=now)
    assert rows_of(line) == before
    return refusal.type


def test_a_date_that_has_an_assignment_is_refused() -> None:
    reseller, line = a_reseller(), a_line()
    customer, other = a_customer(reseller), a_customer(reseller)
    assign(customer, line, DAYS[2])

    assert refused(other, line, DAYS[2]) is SubjectDateTakenError
    assert refused(reseller, line, DAYS[2]) is SubjectDateTakenError


def test_c3_a_past_that_was_a_customers_stays_hers_so_that_an_event_sent_again_finds_her() -> None:
    reseller, line = a_reseller(), a_line()
    customer, other = a_customer(reseller), a_customer(reseller)
    assign(customer, line, DAYS[2], now=DAYS[9])

    assert refused(other, line, DAYS[4], now=DAYS[9]) is SubjectHistoryFixedError
    assert refused(reseller, line, DAYS[4], now=DAYS[9]) is SubjectHistoryFixedError
    assign(other, line, DAYS[9], now=DAYS[9])
    # A past in which it was nobody's may be filled.
    assign(other, line, DAYS[0], now=DAYS[9])

    found = [customer_at(reseller, line, DAYS[day]) for day in (0, 1, 2, 8, 9)]
    assert found == [other.id, other.id, customer.id, customer.id, other.id]


def test_what_is_nobodys_cannot_be_released() -> None:
    reseller, line = a_reseller(), a_line()
    customer = a_customer(reseller)
    assign(customer, line, DAYS[5])

    assert refused(reseller, line, DAYS[4]) is SubjectNotAssignedError
    assert refused(a_reseller(), line, DAYS[6]) is SubjectNotAssignedError
    assert customer_at(reseller, line, DAYS[6]) == customer.id


def test_a_line_of_another_reseller_is_refused_and_nobody_is_named() -> None:
    mine, theirs, line = a_reseller(), a_reseller(), a_line()
    my_customer, their_customer = a_customer(mine), a_customer(theirs)
    assign(their_customer, line, DAYS[5])

    for day in (4, 6):  # before it too: an assignment has no end of its own
        with pytest.raises(SubjectTakenError) as refusal:
            assign(my_customer, line, DAYS[day])
        assert str(theirs.id) not in str(refusal.value.facts)

    assert customer_at(mine, line, DAYS[6]) is None
    assert owners_at([(line, DAYS[4]), (line, DAYS[6])]) == [
        None,
        SubjectHolder(theirs.id, their_customer.id),
    ]


def test_a_released_line_goes_to_another_reseller_and_each_keeps_its_past() -> None:
    mine, theirs, line = a_reseller(), a_reseller(), a_line()
    my_customer, their_customer = a_customer(mine), a_customer(theirs)
    assign(their_customer, line, DAYS[2])
    assign(theirs, line, DAYS[5])
    assert refused(my_customer, line, DAYS[4]) is SubjectTakenError

    assign(my_customer, line, DAYS[5])

    their, my = SubjectHolder(theirs.id, their_customer.id), SubjectHolder(mine.id, my_customer.id)
    days = [(line, DAYS[day]) for day in (1, 2, 4, 5, 9)]
    assert owners_at(days) == [None, their, their, my, my]
    assert [customer_at(mine, line, at) for _, at in days] == [None] * 3 + [my_customer.id] * 2
    assert customer_at(theirs, line, DAYS[9]) is None
    assert refused(their_customer, line, DAYS[9]) is SubjectTakenError


def test_another_resellers_customer_gets_no_line() -> None:
    mine, line = a_reseller(), a_line()
    customer = a_customer(a_reseller())

    with transaction(scope_of(mine)) as session, pytest.raises(CustomerNotFoundError):
        assign_subject(
            session,
            scope_of(mine),
            subject=line,
            customer_id=customer.id,
            valid_from=DAYS[0],
            now=EARLY,
        )

    assert rows_of(line) == []


def test_lines_of_a_customer_are_listed_latest_first() -> None:
    reseller, (line, other) = a_reseller(), (a_line(), a_line())
    customer = a_customer(reseller)
    assign(customer, line, DAYS[1])
    assign(customer, other, DAYS[2])

    with transaction(scope_of(reseller)) as session:
        listed = list_subjects(session, scope_of(reseller), customer_id=customer.id)

    assert [(each.subject, each.valid_from) for each in listed] == [
        (other, DAYS[2]),
        (line, DAYS[1]),
    ]


def test_m3_the_audit_trail_says_whose_and_since_when_and_not_the_number() -> None:
    reseller, line = a_reseller(), a_line()
    customer = a_customer(reseller)
    assign(customer, line, DAYS[1])
    assign(reseller, line, DAYS[3])

    with transaction(scope_of(reseller)) as session:
        query = select(AuditRecord).where(
            AuditRecord.reseller_id == reseller.id, AuditRecord.action.like("identity.subject%")
        )
        records = session.scalars(query.order_by(AuditRecord.id)).all()

    assert [(each.action, each.subject_id) for each in records] == [
        ("identity.subject_assigned", customer.id),
        ("identity.subject_released", customer.id),
    ]
    assert not any(line in str(each.facts) for each in records)


DAY = st.integers(0, len(DAYS) - 1)
# Which reseller, which of its customers (None: nobody), from which day on, asked on which day.
STEP = st.tuples(st.integers(0, 1), st.sampled_from([None, 0, 1]), DAY, DAY)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_at_any_time_a_line_is_one_resellers_and_both_tables_say_whose(
    steps: list[tuple[int, int | None, int, int]],
) -> None:
    resellers, line = (a_reseller(), a_reseller()), a_line()
    customers = [[a_customer(reseller) for _ in range(2)] for reseller in resellers]
    past: list[tuple[datetime, SubjectHolder]] = []
    today = 0

    for who, whose, day, later in steps:
        today = max(today, later)
        with suppress(AppError):
            chosen = resellers[who] if whose is None else customers[who][whose]
            assign(chosen, line, DAYS[day], now=DAYS[today])
        held = owners_at([(line, at) for at in DAYS])
        # What was somebody's in the past is never anybody else's again.
        assert [held[DAYS.index(at)] for at, _ in past] == [holder for _, holder in past]
        known = [(at, each) for at, each in zip(DAYS, held, strict=True) if each is not None]
        past = [(at, each) for at, each in known if at < DAYS[today]]

    for at, owner in zip(DAYS, owners_at([(line, at) for at in DAYS]), strict=True):
        seen = {each.id: customer_at(each, line, at) for each in resellers}
        holders = {reseller: customer for reseller, customer in seen.items() if customer}
        assert holders == ({} if owner is None else {owner.reseller_id: owner.customer_id})


def of_ten_resellers_who_want_one_line() -> list[datetime | Exception]:
    line, customers = a_line(), [a_customer(a_reseller()) for _ in range(10)]

    def want(customer: Customer) -> datetime:
        assign(customer, line, DAYS[1])
        return DAYS[1]

    return all_at_once([partial(want, each) for each in customers])


def test_of_ten_resellers_who_want_a_line_at_once_one_gets_it() -> None:
    results = of_ten_resellers_who_want_one_line()

    assert len(answers(results)) == 1
    assert refusals(results) == [SubjectTakenError] * 9


def test_without_the_queue_several_get_it(cluster: PostgresServer, connected: Database) -> None:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        forget_the_queue_of_subjects(database)

        results = of_ten_resellers_who_want_one_line()

    assert len(answers(results)) > 1


def test_a5_nobody_writes_the_tables_but_the_function_and_nobody_for_another(
    connected: Database,
) -> None:
    mine, theirs, line = a_reseller(), a_reseller(), a_line()
    customer = a_customer(theirs)
    assign(customer, line, DAYS[1])

    with psycopg.connect(connected.application_url, autocommit=True) as application:
        application.execute("SELECT set_config('app.reseller_id', %s, false)", [str(mine.id)])
        for forbidden in (
            "SELECT 1 FROM subject_owners",
            "DELETE FROM subjects",
            "UPDATE subjects SET customer_id = NULL",
            "INSERT INTO subject_owners (subject, valid_from) VALUES ('line:1', now())",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(forbidden.encode())
        # The function knows whose customer it is: the key of the other table does not fit.
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            application.execute(
                "SELECT assign_subject(%s, %s, %s, now())", [a_line(), LATE, customer.id]
            )
        application.execute("SELECT set_config('app.reseller_id', '', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("SELECT assign_subject(%s, %s, NULL, now())", [line, LATE])
