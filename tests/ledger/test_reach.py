"""A proof of what is new goes on from the last one and reads no more than what is new."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import billing, ledger
from app.embedded import PostgresServer
from app.kernel import transaction
from app.ledger import PartialViewError, Reach
from app.ledger.models import VerifiedBook, VerifiedRollUp
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories.books import a_book, prove, roll_up
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_chain, a_priced_reseller, a_wallet, charge
from tests.factories.months import close_this_month
from tests.factories.races import all_at_once
from tests.fakes import FakeHeads

SCOPE = PlatformScope()

# Rows that the statements of this transaction fetched from tables, however they found them.
_ROWS_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))
  FROM pg_stat_xact_user_tables WHERE schemaname = 'public'
"""

# A past of so many charges of one book, on accounts of its own: proved, so nobody looks whether it
# is right. Its ids come before all others.
_PAST = """
SET LOCAL session_replication_role = replica;
CREATE TEMPORARY TABLE past ON COMMIT DROP AS
SELECT %(book)s::uuid AS book, g,
       ('00000000-0000-7000-8000-' || lpad(g::text, 12, '0'))::uuid AS id,
       ('00000000-0000-5000-8000-' || lpad((g %% 50)::text, 12, '0'))::uuid AS account
  FROM generate_series(1, %(entries)s) g;
INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at)
SELECT book, id, 'usage', 'past:' || g, '', now() FROM past;
INSERT INTO ledger_transfers SELECT book, id, n, account, id, 1 FROM past, generate_series(1, 3) n;
INSERT INTO ledger_postings SELECT book, id, account, g / 50 + 1, -3, 0 FROM past;
INSERT INTO ledger_accounts (book_id, id, kind, owner_id, currency, guarded)
    SELECT DISTINCT book, account, 'wallet', account, 'EUR', true FROM past;
INSERT INTO ledger_balances (book_id, account_id) SELECT DISTINCT book, account FROM past;
INSERT INTO usage_records (reseller_id, entry_id, event_id, wallet_id, meter, price_id, quantity,
    unit_price, gross_minor, net_minor, tax_minor, occurred_at)
SELECT book, id, g::text, account, 'call', account, 1, 1, 1, 1, 0, now() FROM past;
INSERT INTO top_ups (reseller_id, id, wallet_id, request_key, amount_minor, currency, state,
    expires_at) SELECT book, id, account, g::text, 100, 'EUR', 'expired', now() FROM past;
INSERT INTO payment_claims SELECT 'past:' || g, book, id FROM past;
INSERT INTO ledger_late_entries SELECT book, id, '2020-01-01' FROM past;
INSERT INTO commission_bonuses SELECT book, id, 'new_customer', id, 1, 'EUR', now() FROM past;
INSERT INTO commission_statements
    SELECT book, date '1000-01-01' + g, 'EUR', 0, 0, 0, 0, 0, 0, NULL, '{}', now() FROM past;
INSERT INTO commission_months SELECT date '1000-01-01' + g, now(), now() - interval '2 days'
    FROM past WHERE g < 60;
SELECT ledger_seal(%(book)s, array_agg(id)) FROM past GROUP BY g / 200;
"""


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


def marks() -> dict[object, int]:
    with transaction(SCOPE) as session:
        return {mark.book_id: mark.n for mark in session.query(VerifiedBook)}


def proved_rollups() -> dict[object, int]:
    with transaction(SCOPE) as session:
        return {each.account_id: each.posted for each in session.query(VerifiedRollUp)}


def rows_read(session: Session, reach: Reach) -> int:
    before = session.scalar(text(_ROWS_READ))
    ledger.mark_new(session, SCOPE, reach)
    checks = [
        *ledger.verify(session, SCOPE, reach=reach),
        *billing.verify(session, SCOPE, reach=reach),
    ]
    assert reach is Reach.WHOLE or not any(check.broken for check in checks)
    return int(session.scalar(text(_ROWS_READ)) or 0) - int(before or 0)


def rows_read_after(cluster: PostgresServer, past: int) -> dict[Reach, int]:
    """Rows read by both proofs of the same new charges, on top of so many proved ones."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        wallet = a_wallet(5_000)
        with psycopg.connect(database.owner_url) as owner:
            for statement in _PAST.split(";\n"):
                if statement.strip():
                    names = {"book": wallet.reseller_id, "entries": past}
                    used = {name: names[name] for name in names if f"%({name})s" in statement}
                    owner.execute(statement.encode(), used or None)
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        roll_up(wallet.reseller_id)
        with transaction(SCOPE) as session:
            ledger.mark_new(session, SCOPE, Reach.NEW)
            ledger.record_verified(session, SCOPE)
        for _ in range(5):
            charge(wallet)
        roll_up(wallet.reseller_id, 3)
        found = {}
        for reach in Reach:
            with transaction(SCOPE) as session:
                found[reach] = rows_read(session, reach)
        return found


def test_the_work_grows_with_what_is_new_and_not_with_the_books(
    cluster: PostgresServer, connected: Database
) -> None:
    small, large = rows_read_after(cluster, 1_000), rows_read_after(cluster, 20_000)

    assert large[Reach.WHOLE] > 10 * small[Reach.WHOLE]
    assert large[Reach.NEW] < 1.2 * small[Reach.NEW]
    assert large[Reach.NEW] < 3_000


def test_the_mark_moves_to_the_last_seal_and_no_further(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    charge(wallet)

    proof = prove(FakeHeads(), Reach.NEW)

    assert proof.broken == []
    assert marks() == {wallet.reseller_id: 1}


def test_a_proof_that_fails_moves_no_mark(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    prove(FakeHeads())
    charge(wallet)
    roll_up(wallet.reseller_id)
    before = (marks(), proved_rollups())
    with psycopg.connect(own.owner_url) as owner:
        owner.execute("UPDATE ledger_balances SET posted = posted + 1")

    proofs = [prove(FakeHeads(), reach) for reach in Reach]

    assert all(proof.broken for proof in proofs)
    assert (marks(), proved_rollups()) == before


def test_what_is_counted_during_a_proof_is_left_to_the_next(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    with transaction(SCOPE) as session:
        ledger.mark_new(session, SCOPE, Reach.NEW)
        charge(wallet, "300")
        roll_up(wallet.reseller_id)
        checks = ledger.verify(session, SCOPE, reach=Reach.NEW)
        ledger.record_verified(session, SCOPE)
    between = marks()

    proof = prove(FakeHeads(), Reach.NEW)

    assert [check.broken for check in checks if check.broken] == []
    assert between == {wallet.reseller_id: 1}
    assert proof.broken == []
    assert marks() == {wallet.reseller_id: 2}


def test_a_proof_that_ends_late_does_not_move_the_mark_back(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    with transaction(SCOPE) as slow:
        ledger.mark_new(slow, SCOPE, Reach.WHOLE)
        charge(wallet)
        roll_up(wallet.reseller_id)
        prove(FakeHeads(), Reach.NEW)
        ledger.record_verified(slow, SCOPE)

    assert marks() == {wallet.reseller_id: 2}
    assert prove(FakeHeads(), Reach.NEW).broken == []


def test_proofs_charges_and_roll_ups_at_once_raise_no_false_alarm(own: Database) -> None:
    reseller = a_priced_reseller()
    wallets = [a_wallet(9_000, reseller=reseller) for _ in range(3)]
    log = FakeHeads()

    def pay() -> list[str]:
        for wallet in wallets * 8:
            charge(wallet, "10")
        return []

    def count() -> list[str]:
        for _ in range(25):
            roll_up(reseller.id, 3)
        return []

    def look(reach: Reach) -> list[str]:
        return [check.name for _ in range(6) for check in prove(log, reach).broken]

    results = all_at_once(
        [pay, pay, count, count, *[lambda reach=reach: look(reach) for reach in Reach] * 2]
    )

    assert results == [[]] * 8
    roll_up(reseller.id)
    assert prove(log, Reach.NEW).broken == []
    assert prove(log, Reach.WHOLE).broken == []


@pytest.fixture
def a_proved_month(own: Database) -> Tenant:
    """A reseller whose child's month was closed just now; all that was posted is proved."""
    parent, child = a_chain(2)
    charge(a_wallet(reseller=child), "333")
    close_this_month()
    with transaction(SCOPE) as session:
        # As the worker's clock had noted it.
        session.execute(text("UPDATE commission_months SET closed_at = now()"))
    for book in (parent, child):
        roll_up(book.id)
    assert prove(FakeHeads(), Reach.NEW).broken == []
    return parent


def changed_since(own: Database, statement: str) -> dict[str, list[str]]:
    """What a proof of what is new finds after a change by hand."""
    with psycopg.connect(own.owner_url) as owner:
        owner.execute(statement.encode())
    return {check.name: check.broken for check in prove(FakeHeads(), Reach.NEW).broken}


_PASSES_ON_MORE = """
UPDATE commission_statements
   SET passed_on_minor = passed_on_minor + 1, final_minor = final_minor - 1
"""


def test_statements_are_looked_at_for_a_day_although_what_they_posted_was_proved(
    own: Database, a_proved_month: Tenant
) -> None:
    found = changed_since(own, f"{_PASSES_ON_MORE} WHERE reseller_id = '{a_proved_month.id}'")

    assert found == {
        "statement-is-posted": [str(a_proved_month.id)],
        "statement-passes-on": [str(a_proved_month.id)],
    }


def test_statements_of_a_month_closed_long_ago_are_left_to_the_whole_proof(
    own: Database, a_proved_month: Tenant
) -> None:
    with psycopg.connect(own.owner_url) as owner:
        owner.execute("UPDATE commission_months SET closed_at = now() - interval '25 hours'")

    found = changed_since(own, f"{_PASSES_ON_MORE} WHERE reseller_id = '{a_proved_month.id}'")

    assert found == {}
    assert "statement-passes-on" in {check.name for check in prove(FakeHeads()).broken}


def test_a_tenant_neither_marks_nor_records(connected: Database) -> None:
    scope = a_book().scope

    with transaction(scope) as session:
        with pytest.raises(PartialViewError):
            ledger.mark_new(session, scope, Reach.NEW)
        with pytest.raises(PartialViewError):
            ledger.record_verified(session, scope)
