from collections.abc import Iterator
from functools import partial
from threading import Barrier
from uuid import UUID

import psycopg
import pytest

from app import ledger
from app.embedded import PostgresServer
from app.kernel import SignIn, transaction
from app.ledger import BooksMovedError, Posted, TransferDraft, roll_up
from app.tenancy import PLATFORM_ID, PlatformScope
from tests.conftest import Database
from tests.factories.books import Book, a_book, a_draft, euros, posted_on, spend, write
from tests.factories.broken_locks import take_accounts_as_given, take_accounts_slowly
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.races import all_at_once, answers, refusals


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database where wallets may pay each other and deadlocks are noticed quickly."""
    with a_database_of_its_own(cluster) as database:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("INSERT INTO ledger_rules VALUES ('gift', 'wallet', 'wallet')")
            owner.execute(
                f"ALTER DATABASE {owner.info.dbname} SET deadlock_timeout = '50ms'".encode()
            )
        with connected_to(database, crowd=20) as engines:
            for connection in [engines[SignIn.APPLICATION].connect() for _ in range(20)]:
                connection.close()
            yield database


def gifts_both_ways(book: Book) -> list[Posted | Exception]:
    """Two wallets pay each other at once: entries that need the same locks in opposite order."""
    one, other = book.wallet(1_000), book.wallet(1_000)
    drafts = [
        a_draft(book, [TransferDraft(giver, taker, euros(10))], watch=giver, kind="gift")
        for giver, taker in [(one, other), (other, one)] * 4
    ]
    results = all_at_once([partial(write, book, draft) for draft in drafts])
    assert posted_on(book, one) + posted_on(book, other) == 2_000
    return results


def test_entries_that_need_each_others_accounts_do_not_deadlock(own: Database) -> None:
    book = a_book()
    take_accounts_slowly(own, seconds=0.05)

    results = gifts_both_ways(book)

    assert len(answers(results)) == 8


def test_without_the_order_of_ids_they_do_deadlock(own: Database) -> None:
    book = a_book()
    take_accounts_slowly(own, seconds=0.05)
    take_accounts_as_given(own)

    results = gifts_both_ways(book)

    assert BooksMovedError in refusals(results)


def test_of_two_that_lock_accounts_the_other_way_round_one_is_told_to_try_again(
    own: Database,
) -> None:
    book, meeting = a_book(), Barrier(2)
    one, other = book.wallet(1_000), book.wallet(1_000)

    def lock(first: UUID, last: UUID) -> int:
        with transaction(book.scope) as session:
            ledger.lock_balances(session, book.id, [first])
            meeting.wait(10)
            return len(ledger.lock_balances(session, book.id, [last]))

    results = all_at_once([partial(lock, one, other), partial(lock, other, one)])

    assert (answers(results), refusals(results)) == ([1], [BooksMovedError])


def test_readers_see_the_exact_balance_while_roll_ups_and_charges_run(own: Database) -> None:
    book = a_book()
    wallets = [book.wallet(1_000) for _ in range(4)]
    scope = PlatformScope()

    def charge() -> bool:
        for wallet in wallets:
            spend(book, wallet, 10)
        return True

    def count() -> bool:
        for _ in range(10):
            with transaction(book.scope) as session:
                roll_up(session, book.id, limit=3)
        return True

    def read() -> bool:
        seen: list[int] = []
        for _ in range(20):
            with transaction(scope) as session:
                checks = {check.name: check.broken for check in ledger.verify(session, scope)}
                owned = ledger.owned_balances(session, PLATFORM_ID)
            seen += [line.posted.minor for line in owned if line.kind == "revenue"]
            if any(checks.values()):
                return False
        return seen == sorted(seen)

    results = all_at_once([*[charge] * 5, *[count] * 3, *[read] * 2])

    with transaction(scope) as session:
        lines = ledger.owned_balances(session, PLATFORM_ID)
    assert results == [True] * 10
    assert [line.posted.minor for line in lines if line.kind == "revenue"] == [200]
