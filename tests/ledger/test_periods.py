"""Months of the books: counted by the roll-up, exact with the tail, closed for ever."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions import month_of, next_month
from app.kernel import cursor, now, transaction
from app.ledger import (
    AccountName,
    TransferDraft,
    close_period,
    has_entry,
    open_account,
    owned_credits,
    owned_periods,
    period_totals,
    periods,
    post,
    roll_up,
    split_period,
)
from app.tenancy import PLATFORM_ID, PlatformScope
from tests.conftest import Database
from tests.factories.books import Book, a_book, a_draft, euros, spend
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
NOW = month_of(now())
LAST = month_of(datetime(NOW.year, NOW.month, 1, tzinfo=UTC) - timedelta(days=5))
EVERY_ID = (UUID(int=0), UUID(int=2**128 - 1))


@pytest.fixture
def owner(connected: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(connected.owner_url, autocommit=True) as connection:
        yield connection


def sold_in(book: Book, period: date) -> int:
    """What usage credited to the revenue of a book in a month."""
    with transaction(SCOPE) as session:
        return sum(
            total.credited
            for total in period_totals(session, period=period)
            if (total.book_id, total.kind, total.entry_kind) == (book.id, "revenue", "usage")
        )


def count(book: Book, limit: int = 100) -> int:
    with transaction(book.scope) as session:
        return roll_up(session, book.id, limit=limit)


def close(book: Book, period: date) -> bool:
    with transaction(book.scope) as session:
        return close_period(session, book.id, period)


def as_of(owner: psycopg.Connection[tuple[object, ...]], entry: UUID, created_at: datetime) -> None:
    """Let an entry have been written at another time, as only the superuser can."""
    owner.execute("UPDATE ledger_entries SET created_at = %s WHERE id = %s", [created_at, entry])


@pytest.mark.parametrize("limit", [0, 1, 2, 100])
def test_a_month_is_exact_however_much_of_it_is_rolled_up(limit: int) -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    for minor in (100, 20, 3):
        spend(book, wallet, minor)

    count(book, limit)

    assert sold_in(book, NOW) == 123
    assert sold_in(book, LAST) == 0


def test_a_month_keeps_both_directions_and_kinds_of_entry_apart() -> None:
    book = a_book()
    book.wallet(1_000)
    count(book)

    with transaction(SCOPE) as session:
        found = [
            (each.kind, each.owner_id, each.entry_kind, each.debited, each.credited)
            for each in period_totals(session, period=NOW)
            if each.book_id == book.id
        ]

    assert found == [("clearing", PLATFORM_ID, "top_up", 1_000, 0)]


def test_an_entry_counts_in_the_month_it_was_written_in(
    owner: psycopg.Connection[tuple[object, ...]],
) -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    early, late = spend(book, wallet, 100), spend(book, wallet, 20)
    # Midnight in Berlin, not in London.
    midnight = datetime(NOW.year, NOW.month, 1, tzinfo=UTC) - timedelta(hours=2)
    as_of(owner, early.entry_id, midnight - timedelta(hours=1))
    as_of(owner, late.entry_id, midnight + timedelta(hours=2))
    in_tail = sold_in(book, LAST), sold_in(book, NOW)

    count(book)

    assert in_tail == (sold_in(book, LAST), sold_in(book, NOW)) == (100, 20)


def test_what_comes_after_its_month_was_closed_counts_in_the_first_open_one() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    spend(book, wallet, 100)

    first, again = close(book, NOW), close(book, NOW)
    spend(book, wallet, 20)
    in_tail = sold_in(book, NOW), sold_in(book, next_month(NOW))
    count(book)

    assert (first, again) == (True, False)
    assert in_tail == (sold_in(book, NOW), sold_in(book, next_month(NOW))) == (100, 20)


def test_closing_counts_what_is_in_the_tail() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    spend(book, wallet, 100)

    close(book, NOW)

    assert count(book) == 0
    assert sold_in(book, NOW) == 100


def test_a_book_that_closes_while_it_is_charged_loses_and_doubles_nothing() -> None:
    book = a_book()
    wallet = book.wallet(10_000)

    results = all_at_once(
        [*(lambda: spend(book, wallet, 7) for _ in range(8)), lambda: close(book, NOW)]
    )
    count(book)

    assert len(answers(results)) == 9
    assert sold_in(book, NOW) + sold_in(book, next_month(NOW)) == 56


def test_a_month_is_cut_at_instants_inside_it(
    owner: psycopg.Connection[tuple[object, ...]],
) -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    entries = [spend(book, wallet, minor) for minor in (1, 10, 100, 200)]
    start = now() - timedelta(seconds=30)
    for number, entry in enumerate(entries[:3]):
        as_of(owner, entry.entry_id, start + timedelta(seconds=10 * number))
    count(book, 3)
    close(book, NOW)
    late = spend(book, wallet, 1_000 - 311)

    with transaction(SCOPE) as session:
        parts = split_period(
            session,
            book.id,
            period=NOW,
            at=[start + timedelta(seconds=15), start + timedelta(seconds=5)],
        )

    found = {part.part: part.credited for part in parts if part.kind == "revenue"}
    assert late.posted == 0
    assert found == {1: 10, 2: 300}


def test_months_with_bookings_are_listed_rolled_up_or_not() -> None:
    book = a_book()
    spend(book, book.wallet(500), 1)

    with transaction(SCOPE) as session:
        assert NOW in periods(session)


@given(at=st.datetimes(datetime(1996, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - aware below
def test_the_database_and_the_product_mean_the_same_month(at: datetime) -> None:
    instant = at.replace(tzinfo=UTC)

    with transaction(SCOPE) as session:
        found = cursor(session).execute("SELECT ledger_month(%s)", [instant]).fetchone()

    assert found == (month_of(instant),)


def a_beneficiary(book: Book, owner: UUID, minor: int) -> UUID:
    """An entry that pays an owner's commission and the platform."""
    wallet = book.wallet(1_000)
    with transaction(book.scope) as session:
        commission = open_account(session, book.id, AccountName("commission", owner, "EUR"))
        transfers = [
            TransferDraft(wallet, commission, euros(minor)),
            TransferDraft(wallet, book.shared("revenue"), euros(100 - minor)),
        ]
        return post(session, a_draft(book, transfers, watch=wallet)).entry_id


@pytest.mark.parametrize("limit", [0, 100])
def test_a_beneficiary_sees_what_its_books_sold_and_what_it_got(limit: int) -> None:
    book, above = a_book(), Book()
    entry = a_beneficiary(book, above.id, 10)
    count(book, limit)

    with transaction(above.scope) as session:
        found = {
            (each.kind, each.is_own): each.credited
            for each in owned_periods(session, above.id, period=NOW)
            if each.entry_kind == "usage"
        }
        since, before = EVERY_ID
        credits_ = owned_credits(
            session, above.id, kinds=["commission", "revenue"], since=since, before=before, limit=5
        )

    assert found == {("commission", True): 10, ("revenue", False): 90}
    assert [(each.entry_id, each.amount, each.whole) for each in credits_] == [(entry, 10, 100)]


def test_a5_nobody_asks_for_the_months_of_another(connected: Database) -> None:
    book, stranger = a_book(), Book()
    a_beneficiary(book, book.id, 10)

    for ask in (
        lambda session: owned_periods(session, book.id, period=NOW),
        lambda session: owned_credits(
            session, book.id, kinds=["commission"], since=EVERY_ID[0], before=EVERY_ID[1], limit=1
        ),
    ):
        with (
            pytest.raises(Exception, match="not the owner"),
            transaction(stranger.scope) as session,
        ):
            ask(session)


def test_a5_nobody_closes_a_month_of_another() -> None:
    book, stranger = a_book(), Book()
    spend(book, book.wallet(500), 1)

    with (
        pytest.raises(Exception, match="row-level security"),
        transaction(stranger.scope) as session,
    ):
        close_period(session, book.id, NOW)

    assert close(book, NOW)


def test_a_period_is_a_whole_month() -> None:
    book = a_book()

    with pytest.raises(Exception, match="ck_ledger_closed_periods_month"):
        close(book, NOW.replace(day=2))


def test_usage_in_a_span_is_found_by_the_accounts_it_touched() -> None:
    book = a_book()
    wallet, other = book.wallet(500), book.wallet(500)
    before = now() - timedelta(minutes=1)
    spend(book, wallet, 1)
    after = now() + timedelta(minutes=1)

    def found(account: UUID, since: datetime, until: datetime) -> bool:
        with transaction(book.scope) as session:
            return has_entry(
                session,
                book.id,
                [account],
                kind="usage",
                since=since,
                until=until,
                undone_by="reversal:",
            )

    assert found(wallet, before, after)
    assert not found(other, before, after)
    assert not found(wallet, after, after + timedelta(days=1))


def test_an_entry_that_watches_no_account_answers_its_id_and_is_repeated() -> None:
    book = a_book()
    with transaction(book.scope) as session:
        commission = open_account(session, book.id, AccountName("commission", book.id, "EUR"))
    transfer = TransferDraft(book.shared("revenue"), commission, euros(7))
    draft = a_draft(book, [transfer], watch=None, kind="commission_true_up", key="t")

    with transaction(book.scope) as session:
        first, again = post(session, draft), post(session, draft)

    assert (first.entry_id, first.replayed) == (draft.entry_id, False)
    assert (again.entry_id, again.replayed) == (draft.entry_id, True)
    assert (first.posted, first.version) == (0, 0)
