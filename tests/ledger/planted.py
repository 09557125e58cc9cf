"""Errors that no use case can make, planted by the superuser: at least one for each law."""

# ruff: noqa: S608 - the superuser's own statements, from constants

from dataclasses import dataclass
from uuid import UUID

from app import ledger
from app.billing import Wallet
from app.billing.rules import usage_key
from app.ledger import AccountName
from app.payments import CheckoutResult, CheckoutState
from app.pricing import CreditPurpose
from app.tenancy import PLATFORM_ID
from tests.factories.books import export, prove, roll_up
from tests.factories.money import (
    a_chain,
    a_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    paid,
    settle,
)
from tests.factories.months import a_bonus, close_this_month
from tests.fakes import FakeHeads


@dataclass(frozen=True)
class World:
    """A little of everything the product can do, and the rows that errors are planted in."""

    book: UUID
    account: UUID
    revenue: UUID
    other_revenue: UUID
    commission: UUID
    wallet: UUID
    entry: UUID
    rolled_up: UUID
    top_up: UUID
    open_top_up: UUID
    payment: str
    key: str
    parent: UUID
    late: UUID
    bonus: UUID
    sealed: UUID
    seal: str
    proved_seal: str


def a_world() -> World:
    """Two chains of three, taxed both ways; charges rolled up and not; one that cost nothing.

    All but the last charges and the last top-up were proved before.
    """
    singles, multis = (a_chain(3, offer=an_offer(purpose=purpose)) for purpose in CreditPurpose)
    wallet = a_wallet(5_000, reseller=singles[-1])
    other = a_wallet(reseller=multis[-1])
    rolled_up = _proved_past(wallet, other)
    book = wallet.reseller_id
    settled = a_top_up(wallet, 5_000)
    settle(settled, paid(settled, payment_id="pi_of_the_world"))
    bonus = a_bonus(settled)
    sealed = charge(wallet, "31")
    close_this_month()
    late = charge(wallet, "41")
    roll_up(book, 100)
    last = charge(wallet, an_event(wallet, "77", event_id="the-last-event"))
    revenue = AccountName("revenue", PLATFORM_ID, "EUR")
    _let_a_top_up_expire(other)
    return World(
        book=book,
        account=wallet.account_id,
        revenue=ledger.account_id(book, revenue),
        other_revenue=ledger.account_id(other.reseller_id, revenue),
        commission=ledger.account_id(book, AccountName("commission", book, "EUR")),
        wallet=wallet.id,
        entry=last.id,
        rolled_up=rolled_up,
        top_up=settled.id,
        open_top_up=a_top_up(wallet, 900).id,
        payment="pi_of_the_world",
        key=usage_key("the-last-event"),
        parent=singles[-2].id,
        late=late.id,
        bonus=bonus,
        sealed=sealed.id,
        seal=f"seal 2 of book {book}",
        proved_seal=f"seal 1 of book {book}",
    )


def _let_a_top_up_expire(wallet: Wallet) -> None:
    expired = a_top_up(wallet, 700)
    word = CheckoutResult("cs_x", str(expired.id), CheckoutState.EXPIRED, paid(expired).paid, None)
    settle(expired, word)


def _proved_past(wallet: Wallet, other: Wallet) -> UUID:
    """An entry that was rolled up and proved long ago, among others."""
    free = a_chain(1, offer=an_offer(unit_price="0"))
    charge(a_wallet(reseller=free[-1]), "10")
    charges = [charge(wallet, "159") for _ in range(4)]
    charge(other, "159")
    roll_up(wallet.reseller_id, 3)
    roll_up(other.reseller_id, 100)
    log = FakeHeads()
    export(log)
    assert prove(log).broken == []
    return charges[0].id


@dataclass(frozen=True)
class Plant:
    """Statements that break a law, and which row of the world it must name.

    `only_whole`: a proof of what is new does not find it by this law, because it lies in what was
    proved before or because another law finds it there.
    """

    law: str
    statements: tuple[str, ...]
    names: str = "account"
    only_whole: bool = False


def plant(law: str, *statements: str, names: str = "account", only_whole: bool = False) -> Plant:
    return Plant(law, statements, names, only_whole)


_MINE = "WHERE book_id = '{book}' AND account_id = '{account}'"
_ENTRY = "WHERE book_id = '{book}' AND entry_id = '{entry}'"
_RECORD = "WHERE reseller_id = '{book}' AND entry_id = '{entry}'"
_NO_FLOOR = "ALTER TABLE ledger_balances DROP CONSTRAINT ck_ledger_balances_floor"
_NO_SIGNS = "ALTER TABLE ledger_balances DROP CONSTRAINT ck_ledger_balances_signs"
_NO_SHARES = "ALTER TABLE usage_records DROP CONSTRAINT ck_usage_records_shares"
_STRANGER = "00000000-0000-4000-8000-000000000000"
_SEALED = "WHERE book_id = '{book}' AND entry_id = '{sealed}'"

IN_THE_LEDGER = (
    plant("balance-is-transfers", f"UPDATE ledger_balances SET posted = posted + 1 {_MINE}"),
    plant(
        "balance-is-transfers",
        f"UPDATE ledger_transfers SET amount = amount + 1 {_ENTRY}",
    ),
    plant("balance-is-last-posting", f"UPDATE ledger_balances SET posted = posted - 1 {_MINE}"),
    plant("balance-is-last-posting", f"UPDATE ledger_balances SET version = version + 1 {_MINE}"),
    plant("balance-is-guarded", f"DELETE FROM ledger_balances {_MINE}"),
    plant(
        "balance-is-guarded",
        "INSERT INTO ledger_balances (book_id, account_id) VALUES ('{book}', '{revenue}')",
        names="revenue",
    ),
    plant("floor", _NO_FLOOR, f"UPDATE ledger_balances SET held = posted + 1 {_MINE}"),
    plant("held", _NO_SIGNS, f"UPDATE ledger_balances SET held = -1 {_MINE}"),
    plant("held", _NO_SIGNS, _NO_FLOOR, f"UPDATE ledger_balances SET credit_limit = -1 {_MINE}"),
    plant(
        "versions-gapless",
        f"DELETE FROM ledger_postings {_MINE} AND version = 2",
        only_whole=True,
    ),
    plant(
        "versions-gapless",
        f"UPDATE ledger_postings SET version = 99 {_MINE} AND version = 1",
        only_whole=True,
    ),
    plant("versions-gapless", f"DELETE FROM ledger_postings {_SEALED}"),
    plant("versions-gapless", f"UPDATE ledger_postings SET version = 99 {_ENTRY}"),
    plant("versions-gapless", f"UPDATE ledger_postings SET version = 0 {_ENTRY}"),
    plant(
        "versions-gapless",
        "ALTER TABLE ledger_postings DROP CONSTRAINT uq_ledger_postings_book_id_account_id_version",
        f"UPDATE ledger_postings SET version = version - 1 {_ENTRY}",
    ),
    plant(
        "balance-chain",
        f"UPDATE ledger_postings SET balance_after = balance_after + 1 {_SEALED}",
        names="late",
    ),
    plant(
        "balance-chain",
        f"UPDATE ledger_postings SET balance_after = balance_after + 1 {_ENTRY}",
        names="entry",
    ),
    plant(
        "posting-is-transfers",
        f"UPDATE ledger_postings SET delta = delta + 1 {_ENTRY}",
        names="entry",
    ),
    plant("posting-is-transfers", f"DELETE FROM ledger_postings {_ENTRY}", names="entry"),
    plant("posting-is-transfers", f"DELETE FROM ledger_transfers {_ENTRY}", names="entry"),
    plant(
        "posting-has-entry",
        "DELETE FROM ledger_entries WHERE book_id = '{book}' AND id = '{entry}'",
        names="entry",
    ),
    plant(
        "posting-has-entry",
        f"UPDATE ledger_postings SET account_id = '{{revenue}}' {_ENTRY}",
        names="entry",
    ),
    plant("zero-sum", f"UPDATE ledger_balances SET posted = posted + 1 {_MINE}", names="EUR"),
    plant(
        "zero-sum",
        "UPDATE ledger_rollups SET posted = posted - 1"
        " WHERE book_id = '{book}' AND account_id = '{revenue}'",
        names="EUR",
    ),
    plant("zero-sum", f"DELETE FROM ledger_tail {_ENTRY}", names="EUR"),
    plant(
        # The whole still adds up to nothing: only the two books tell.
        "zero-sum-of-book",
        "UPDATE ledger_rollups SET posted = posted + 1 WHERE account_id = '{revenue}'",
        "UPDATE ledger_rollups SET posted = posted - 1 WHERE account_id = '{other_revenue}'",
        names="book",
    ),
    plant(
        # The book still adds up to nothing: one beneficiary's cent went to another.
        "rollup-is-transfers",
        "UPDATE ledger_rollups"
        " SET posted = posted + CASE account_id WHEN '{revenue}' THEN 1 ELSE -1 END"
        " WHERE book_id = '{book}' AND account_id IN ('{revenue}', '{commission}')",
        names="revenue",
    ),
    plant(
        "rollup-is-transfers",
        "INSERT INTO ledger_tail VALUES ('{book}', '{rolled_up}')",
        names="revenue",
        only_whole=True,
    ),
    plant(
        "rollup-is-transfers",
        f"DELETE FROM ledger_tail {_ENTRY}",
        names="revenue",
        only_whole=True,
    ),
    plant(
        "transfer-has-entry",
        "DELETE FROM ledger_entries WHERE book_id = '{book}' AND id = '{entry}'",
        names="entry",
    ),
    plant(
        "transfer-has-accounts",
        f"UPDATE ledger_transfers SET credit_id = '{_STRANGER}' {_ENTRY} AND n = 1",
        names="entry",
    ),
    plant(
        "transfer-of-one-currency",
        "UPDATE ledger_accounts SET currency = 'USD' WHERE id = '{revenue}'",
        names="entry",
    ),
    plant(
        "transfer-moves-money",
        "ALTER TABLE ledger_transfers DROP CONSTRAINT ck_ledger_transfers_amount",
        f"UPDATE ledger_transfers SET amount = -amount {_ENTRY}",
        names="entry",
    ),
    plant(
        "transfer-moves-money",
        "ALTER TABLE ledger_transfers DROP CONSTRAINT ck_ledger_transfers_two_accounts",
        f"UPDATE ledger_transfers SET credit_id = debit_id {_ENTRY} AND n = 1",
        names="entry",
    ),
    plant(
        "transfer-is-allowed",
        f"UPDATE ledger_transfers SET debit_id = credit_id, credit_id = debit_id {_ENTRY}",
        names="entry",
    ),
    plant(
        "transfer-is-allowed",
        "DELETE FROM ledger_rules WHERE entry_kind = 'usage' AND credit_kind = 'revenue'",
        names="entry",
    ),
    plant("transfers-numbered", f"DELETE FROM ledger_transfers {_ENTRY} AND n = 1", names="entry"),
    plant("entry-moves-or-marks", f"DELETE FROM ledger_transfers {_ENTRY}", names="entry"),
    plant(
        "key-used-once",
        "ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_book_id_key",
        "UPDATE ledger_entries SET key = '{key}' WHERE book_id = '{book}' AND id = '{rolled_up}'",
        names="key",
    ),
    plant(
        "tail-has-entry",
        "DELETE FROM ledger_entries WHERE book_id = '{book}' AND id = '{entry}'",
        names="entry",
    ),
)

IN_BILLING = (
    plant(
        "wallet-has-account",
        "UPDATE wallets SET currency = 'USD' WHERE id = '{wallet}'",
        names="wallet",
    ),
    plant("wallet-has-account", "DELETE FROM wallets WHERE id = '{wallet}'"),
    plant("usage-has-entry", f"DELETE FROM usage_records {_RECORD}", names="entry"),
    plant(
        "usage-has-entry",
        f"UPDATE usage_records SET event_id = 'another' {_RECORD}",
        names="entry",
    ),
    plant(
        "usage-has-entry",
        "DELETE FROM ledger_entries WHERE book_id = '{book}' AND id = '{entry}'",
        names="entry",
    ),
    plant(
        "usage-gross",
        f"UPDATE usage_records SET gross_minor = gross_minor + 1, net_minor = net_minor + 1"
        f" {_RECORD}",
        names="entry",
    ),
    plant(
        "usage-parts",
        _NO_SHARES,
        f"UPDATE usage_records SET net_minor = net_minor - 1 {_RECORD}",
        names="entry",
    ),
    plant(
        "usage-parts",
        f"UPDATE usage_records SET tax_minor = -1, net_minor = gross_minor + 1 {_RECORD}",
        names="entry",
    ),
    plant(
        "usage-tax",
        f"UPDATE usage_records SET tax_minor = tax_minor + 1, net_minor = net_minor - 1 {_RECORD}",
        names="entry",
    ),
    plant(
        "usage-net",
        f"UPDATE ledger_transfers SET amount = amount + 1 {_ENTRY} AND credit_id = '{{revenue}}'",
        names="entry",
    ),
    plant(
        "top-up-credited",
        "UPDATE top_ups SET amount_minor = amount_minor + 1 WHERE id = '{top_up}'",
        names="top_up",
    ),
    plant(
        "top-up-credited",
        "UPDATE top_ups SET state = 'settled' WHERE id = '{open_top_up}'",
        names="open_top_up",
    ),
    plant(
        "top-up-claimed",
        "DELETE FROM payment_claims WHERE payment_id = '{payment}'",
        names="top_up",
    ),
    plant(
        "top-up-claimed",
        "INSERT INTO payment_claims VALUES ('pi_second', '{book}', '{top_up}')",
        names="top_up",
    ),
    plant(
        "top-up-claimed",
        "UPDATE top_ups SET payment_id = 'pi_other' WHERE id = '{top_up}'",
        names="top_up",
    ),
    plant(
        "top-up-open",
        "UPDATE top_ups SET state = 'expired' WHERE id = '{top_up}'",
        names="top_up",
    ),
    plant(
        "top-up-open",
        "INSERT INTO payment_claims VALUES ('pi_early', '{book}', '{open_top_up}')",
        names="open_top_up",
    ),
    plant("credit-has-top-up", "DELETE FROM top_ups WHERE id = '{top_up}'", names="payment"),
)
