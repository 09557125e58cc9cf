"""What a page reads when the books are long: balance, statement, commission."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from app import billing, commissions, ledger
from app.kernel import new_id, now, transaction
from app.ledger import AccountName
from app.settings import Settings
from app.tenancy import PLATFORM_ID, TenantScope
from tests.benchmarks.clients import a_minute, charge
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
    stated,
)
from tests.benchmarks.loading import METER, ProductWallet, product_wallets, settle
from tests.benchmarks.stage import Stage

ENTRIES = 3_333_334
WALLETS = 2_000
LATELY = 2_000
ROUNDS = 30
MOST_MS = 20.0
SQL = Path(__file__).parent / "history.sql"
# Which tables a page must not read through.
LONG = ("ledger_entries", "ledger_transfers", "ledger_postings", "usage_records")

HOW = """
One reseller's book with 2,000 wallets gets a past of 3.3 million charges, 10 million transfers,
spread over the last 90 days: rows as the charges, the roll-up and the count by months would have
left them, inserted as the database's owner (`tests/benchmarks/history.sql`). Then 2,000 charges
through the use case, which no roll-up has counted yet. Read are, through the use cases and each in
a transaction of its own: a wallet's balance; the newest page of its transactions, and one from the
middle; the reseller's commission of the month with its latest lines; her shared accounts over all
books (roll-up and tail). Thirty rounds over different wallets, the median; PostgreSQL's own
counters say that none of them read a long table from one end to the other.
"""


@dataclass(frozen=True)
class _Book:
    """The reseller whose past is long."""

    scope: TenantScope
    wallets: list[ProductWallet]


def measure(stage: Stage) -> list[Figure]:
    """Load, read, look at the counters."""
    settings = stage.database("history")
    book = _load(stage, settings)
    before = _scans(settings)
    figures = [_timed(name, read, book) for name, read in READS.items()]
    scanned = {table: _scans(settings)[table] - before[table] for table in LONG}
    size = _size(settings)
    return [
        stated("transfers in the book", f"{size:,}"),
        *figures,
        required(
            "long tables read from end to end",
            "0",
            str(sum(scanned.values())),
            is_met=not any(scanned.values()),
            detail=", ".join(f"{table} {count}" for table, count in scanned.items()),
        ),
    ]


def _load(stage: Stage, settings: Settings) -> _Book:
    wallets = product_wallets(settings, wallets=stage.count(WALLETS, quick=50), resellers=1)
    scope = TenantScope(wallets[0].reseller.id)
    accounts = {
        "tax": ledger.account_id(scope.reseller_id, AccountName("tax_prepaid", PLATFORM_ID, "EUR")),
        "commission": ledger.account_id(
            scope.reseller_id, AccountName("commission", scope.reseller_id, "EUR")
        ),
        "revenue": ledger.account_id(scope.reseller_id, AccountName("revenue", PLATFORM_ID, "EUR")),
    }
    text = SQL.read_text(encoding="utf-8").format(
        book=scope.reseller_id,
        entries=stage.count(ENTRIES, quick=20_000),
        wallets=len(wallets),
        meter=METER,
        price=_price(settings),
        **accounts,
    )
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        owner.execute(text.encode())
    settle(settings)
    for number in range(stage.count(LATELY, quick=50)):
        wallet = wallets[number % len(wallets)]
        charge(wallet, a_minute(wallet))
    return _Book(scope, wallets)


def _balance(book: _Book, wallet: ProductWallet) -> object:
    with transaction(book.scope) as session:
        found = billing.get_wallet(session, book.scope, customer_id=wallet.customer)
        return billing.wallet_balance(session, book.scope, wallet=found)


def _statement(book: _Book, wallet: ProductWallet, before: int | None = None) -> object:
    with transaction(book.scope) as session:
        found = billing.get_wallet(session, book.scope, customer_id=wallet.customer)
        page = billing.wallet_history(session, book.scope, wallet=found, before=before)
    if len(page.rows) < 2:
        raise BrokenMeasurementError("an empty page")
    return page


def _middle(book: _Book, wallet: ProductWallet) -> object:
    return _statement(book, wallet, before=200)


def _commission(book: _Book, _wallet: ProductWallet) -> object:
    with transaction(book.scope) as session:
        month = commissions.month_of(now())
        return billing.commission_report(session, book.scope, month=month)


def _shared(book: _Book, _wallet: ProductWallet) -> object:
    with transaction(book.scope) as session:
        return ledger.owned_balances(session, book.scope.reseller_id)


READS: dict[str, Callable[[_Book, ProductWallet], object]] = {
    "a wallet's balance": _balance,
    "the newest page of its transactions": _statement,
    "a page from the middle": _middle,
    "the commission report of the month": _commission,
    "her commission over all books, roll-up and tail": _shared,
}


def _timed(name: str, read: Callable[[_Book, ProductWallet], object], book: _Book) -> Figure:
    step = max(1, len(book.wallets) // ROUNDS)
    spent = []
    for wallet in book.wallets[::step][:ROUNDS]:
        began = time.perf_counter()
        read(book, wallet)
        spent.append((time.perf_counter() - began) * 1000)
    return at_most(
        name, statistics.median(spent), MOST_MS, unit="ms", detail=f"most {max(spent):.1f} ms"
    )


def _price(settings: Settings) -> UUID:
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        row = owner.execute("SELECT id FROM prices LIMIT 1").fetchone()
    return row[0] if row else new_id()


def _scans(settings: Settings) -> dict[str, int]:
    """How often each long table was read from end to end so far."""
    with psycopg.connect(settings.database_owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("SELECT pg_stat_force_next_flush()")
        time.sleep(1.5)
        rows = owner.execute(
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY (%s)",
            [list(LONG)],
        ).fetchall()
    return dict(rows)


def _size(settings: Settings) -> int:
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        row = owner.execute("SELECT count(*) FROM ledger_transfers").fetchone()
    return int(row[0]) if row else 0


BENCHMARK = Benchmark("history", "Long books", HOW, measure)
