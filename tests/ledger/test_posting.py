from functools import partial
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel import Money, new_id, transaction
from app.ledger import (
    AccountName,
    AccountNotFoundError,
    InsufficientFundsError,
    KeyReusedError,
    TransferDraft,
    TransferRefusedError,
    account_id,
    fingerprint,
    get_balance,
    open_account,
    owned_balances,
    roll_up,
    statement,
)
from app.tenancy import PLATFORM_ID, PlatformScope
from tests.factories.books import (
    Book,
    a_book,
    a_draft,
    euros,
    pay_in,
    posted_on,
    spend,
    write,
)
from tests.factories.counts import rows_of_all_tables

pytestmark = pytest.mark.usefixtures("connected")


def shared_balances(book: Book) -> dict[str, int]:
    with transaction(PlatformScope()) as session:
        lines = owned_balances(session, PLATFORM_ID)
    return {line.kind: line.posted.minor for line in lines if line.book_id == book.id}


def test_an_entry_moves_money_and_answers_the_balance_it_left() -> None:
    book = a_book()
    wallet = book.wallet()

    first, second = pay_in(book, wallet, 1_000), spend(book, wallet, 300)

    assert (first.posted, first.version, first.replayed) == (1_000, 1, False)
    assert (second.posted, second.version, second.replayed) == (700, 2, False)
    assert posted_on(book, wallet) == 700
    assert shared_balances(book)["clearing"] == -1_000
    assert shared_balances(book)["revenue"] == 300


def test_c3_a_repeated_key_gets_the_first_answer_and_no_second_effect() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    first = spend(book, wallet, 300, key="k")
    spend(book, wallet, 200)

    again = spend(book, wallet, 300, key="k")

    assert again.replayed
    assert (again.entry_id, again.posted, again.version) == (
        first.entry_id,
        first.posted,
        first.version,
    )
    assert posted_on(book, wallet) == 500


def test_c3_a_key_used_with_other_input_is_refused() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    spend(book, wallet, 300, key="k")

    with pytest.raises(KeyReusedError):
        spend(book, wallet, 301, key="k")

    assert posted_on(book, wallet) == 700


def test_a_key_used_by_another_kind_of_entry_is_refused() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    pay_in(book, wallet, 300, key="k")

    with pytest.raises(KeyReusedError):
        spend(book, wallet, 300, key="k")


def test_two_books_may_use_one_key() -> None:
    for _ in range(2):
        book = a_book()
        assert pay_in(book, book.wallet(), 100, key="k").replayed is False


def test_c4_a_guarded_account_never_pays_what_it_does_not_have() -> None:
    book = a_book()
    wallet = book.wallet(299)

    with pytest.raises(InsufficientFundsError) as refused:
        spend(book, wallet, 300)

    assert refused.value.facts == {"available": 299, "required": 300, "currency": "EUR"}
    assert posted_on(book, wallet) == 299


def test_a_credit_limit_is_spent_to_its_last_cent_and_no_further() -> None:
    book = a_book()
    wallet = book.wallet(credit_limit=100)
    spend(book, wallet, 100)

    with pytest.raises(InsufficientFundsError):
        spend(book, wallet, 1)

    with transaction(book.scope) as session:
        balance = get_balance(session, book.id, wallet)
    assert (balance.posted, balance.available) == (euros(-100), euros(0))


def test_a_refused_entry_binds_nothing_and_succeeds_later_once() -> None:
    book = a_book()
    wallet = book.wallet(100)
    with pytest.raises(InsufficientFundsError):
        spend(book, wallet, 300, key="k")
    pay_in(book, wallet, 1_000)

    first, again = spend(book, wallet, 300, key="k"), spend(book, wallet, 300, key="k")

    assert (first.replayed, again.replayed) == (False, True)
    assert posted_on(book, wallet) == 800


def test_an_entry_that_costs_nothing_binds_its_key_and_moves_the_version() -> None:
    book = a_book()
    wallet = book.wallet(100)
    draft = a_draft(book, [], watch=wallet, key="free")

    first, again = write(book, draft), write(book, draft)

    assert (first.posted, first.version, first.replayed) == (100, 2, False)
    assert (again.entry_id, again.version, again.replayed) == (first.entry_id, 2, True)
    with pytest.raises(KeyReusedError):
        write(book, a_draft(book, [], watch=wallet, key="free", facts="other"))


def test_several_guarded_accounts_move_in_one_entry() -> None:
    book = a_book()
    payers = [book.wallet(1_000) for _ in range(3)]
    transfers = [TransferDraft(each, book.shared("revenue"), euros(100)) for each in payers]

    posted = write(book, a_draft(book, transfers, watch=payers[1]))

    assert posted.posted == 900
    assert [posted_on(book, each) for each in payers] == [900] * 3


def test_one_payer_that_cannot_pay_stops_the_whole_entry() -> None:
    book = a_book()
    rich, poor = book.wallet(1_000), book.wallet(50)
    transfers = [TransferDraft(each, book.shared("revenue"), euros(100)) for each in (rich, poor)]

    with pytest.raises(InsufficientFundsError):
        write(book, a_draft(book, transfers, watch=rich))

    assert (posted_on(book, rich), posted_on(book, poor)) == (1_000, 50)


def refused_transfers(book: Book, wallet: UUID, foreign: Book) -> dict[str, list[TransferDraft]]:
    revenue, clearing = book.shared("revenue"), book.shared("clearing")
    dollars = book.shared("revenue", "USD")
    return {
        "no rule joins these kinds": [TransferDraft(wallet, clearing, euros(1))],
        "the wrong way round": [TransferDraft(revenue, wallet, euros(1))],
        "an unknown account": [TransferDraft(wallet, new_id(), euros(1))],
        "another book's account": [TransferDraft(wallet, foreign.shared("revenue"), euros(1))],
        "two currencies": [TransferDraft(wallet, dollars, Money(1, "USD"))],
        "nothing": [TransferDraft(wallet, revenue, euros(0))],
        "less than nothing": [TransferDraft(wallet, revenue, euros(-1))],
        "one bad transfer among good ones": [
            TransferDraft(wallet, revenue, euros(1)),
            TransferDraft(wallet, clearing, euros(1)),
        ],
    }


@pytest.mark.parametrize("case", refused_transfers(Book(), new_id(), Book()))
def test_a_transfer_that_the_ledger_does_not_allow_is_refused_and_leaves_nothing(
    case: str, owner_url: str
) -> None:
    book = a_book("EUR", "USD")
    wallet = book.wallet(1_000)
    transfers = refused_transfers(book, wallet, a_book())[case]
    before = rows_of_all_tables(owner_url)

    with pytest.raises(TransferRefusedError):
        write(book, a_draft(book, transfers, watch=wallet))

    assert rows_of_all_tables(owner_url) == before
    assert posted_on(book, wallet) == 1_000


def test_an_entry_must_touch_the_account_whose_balance_it_answers() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    transfer = TransferDraft(wallet, book.shared("revenue"), euros(1))

    with pytest.raises(TransferRefusedError):
        write(book, a_draft(book, [transfer], watch=book.shared("revenue")))


def test_a_repetition_that_watches_another_account_has_no_answer() -> None:
    book = a_book()
    wallet, other = book.wallet(1_000), book.wallet(1_000)
    transfer = TransferDraft(wallet, book.shared("revenue"), euros(1))
    write(book, a_draft(book, [transfer], watch=wallet, key="k"))

    with pytest.raises(TransferRefusedError):
        write(book, a_draft(book, [transfer], watch=other, key="k"))


def test_an_account_is_opened_once_and_keeps_its_first_limit() -> None:
    book = a_book()
    name = AccountName("wallet", new_id(), "EUR")

    with transaction(book.scope) as session:
        first = open_account(session, book.id, name, credit_limit=100)
        second = open_account(session, book.id, name, credit_limit=900)
        balance = get_balance(session, book.id, first)

    assert first == second == account_id(book.id, name)
    assert balance.credit_limit == euros(100)


def test_an_unknown_account_has_no_balance() -> None:
    book = a_book()

    with transaction(book.scope) as session, pytest.raises(AccountNotFoundError):
        get_balance(session, book.id, new_id())


def test_a_statement_pages_through_every_version_newest_first() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    for _ in range(6):
        spend(book, wallet, 10)

    versions: list[int] = []
    balances: list[int] = []
    before: int | None = None
    with transaction(book.scope) as session:
        while True:
            page = statement(session, book.id, wallet, before_version=before, size=3)
            versions += [line.version for line in page.rows]
            balances += [line.balance_after.minor for line in page.rows]
            if page.next_cursor is None:
                break
            before = int(page.next_cursor)

    assert versions == [7, 6, 5, 4, 3, 2, 1]
    assert balances == [940, 950, 960, 970, 980, 990, 1_000]


def test_a_roll_up_changes_no_balance_and_counts_every_entry_once() -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    for _ in range(4):
        spend(book, wallet, 10)
    before = shared_balances(book)

    def roll(limit: int) -> int:
        with transaction(book.scope) as session:
            return roll_up(session, book.id, limit=limit)

    counted = [roll(2), roll(2), roll(2), roll(2)]

    assert counted == [2, 2, 1, 0]
    assert shared_balances(book) == before


def test_a_platform_roll_up_or_one_of_another_tenant_touches_no_tail() -> None:
    book = a_book()
    book.wallet(1_000)

    for scope in (PlatformScope(), a_book().scope):
        with transaction(scope) as session:
            assert roll_up(session, book.id) == 0


@given(
    facts=st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5))),
)
def test_a_fingerprint_depends_on_the_facts_and_not_on_their_order(
    facts: dict[str, int | str],
) -> None:
    turned = dict(reversed(facts.items()))

    assert fingerprint(facts) == fingerprint(turned)
    assert fingerprint(facts) != fingerprint({**facts, "one more": True})
    assert len(fingerprint(facts)) == 32


@settings(max_examples=15, deadline=None, print_blob=True)
@given(
    moves=st.lists(st.tuples(st.booleans(), st.integers(1, 500), st.integers(0, 2)), max_size=12)
)
def test_money_is_never_created_or_destroyed(moves: list[tuple[bool, int, int]]) -> None:
    book = a_book()
    wallets = [book.wallet() for _ in range(3)]
    funds = dict.fromkeys(wallets, 0)

    for paying_in, minor, which in moves:
        wallet = wallets[which]
        move = partial(pay_in if paying_in else spend, book, wallet, minor)
        if paying_in or funds[wallet] >= minor:
            funds[wallet] += minor if paying_in else -minor
            assert move().posted == funds[wallet]
        else:
            with pytest.raises(InsufficientFundsError):
                move()

    assert {wallet: posted_on(book, wallet) for wallet in wallets} == funds
    assert sum(funds.values()) + sum(shared_balances(book).values()) == 0
