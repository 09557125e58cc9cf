"""A reseller's month: exact, traceable to the charge, and nothing of anybody else's."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from app.billing import (
    CommissionReport,
    CurrencyReport,
    TakenBackLine,
    close_month,
    commission_report,
)
from app.commissions import next_month, starts_at
from app.embedded import PostgresServer
from app.kernel import Money, transaction
from app.ledger import roll_up
from app.tenancy import Tenant, TenantScope
from tests.conftest import Database
from tests.factories.credits import reverse
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_wallet, an_offer, charge
from tests.factories.months import close_this_month, follow_the_volume, this_month

STEPS = ((1_000, "0.30"), (2_000, "0.50"))


@pytest.fixture(autouse=True)
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


def report_of(reseller: Tenant, *, before: UUID | None = None, size: int = 25) -> CommissionReport:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return commission_report(session, scope, month=this_month(), before=before, size=size)


def euros_of(reseller: Tenant) -> CurrencyReport:
    (report,) = report_of(reseller).currencies
    return report


def a_pair() -> tuple[Tenant, Tenant]:
    offer = an_offer(tax_rate="0.19")
    top = a_priced_reseller(offer=offer, steps=STEPS)
    return top, a_priced_reseller(offer=offer, rate="0.10", parent_id=top.id)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.mark.parametrize("is_counted", [True, False], ids=["rolled up", "in the tail"])
def test_a_month_shows_volume_steps_and_books(is_counted: bool) -> None:  # noqa: FBT001
    top, sub = a_pair()
    charge(a_wallet(5_000, reseller=top), "1190")
    charge(a_wallet(5_000, reseller=sub), "1190")
    if is_counted:
        for book in (top, sub):
            with transaction(TenantScope(book.id)) as session:
                roll_up(session, book.id)

    above, below = euros_of(top), euros_of(sub)

    assert (above.volume, above.own_volume) == (euros(2_000), euros(1_000))
    assert (above.provisional, above.final) == (euros(250 + 150), None)
    assert {line.book_id: (line.volume.minor, line.provisional.minor) for line in above.books} == {
        top.id: (1_000, 250),
        sub.id: (1_000, 150),
    }
    assert [(step.above.minor, step.rate, step.volume.minor) for step in above.steps] == [
        (0, Decimal("0.25"), 1_000),
        (1_000, Decimal("0.30"), 1_000),
    ]
    assert (below.volume, below.provisional) == (euros(1_000), euros(100))
    assert [line.book_id for line in below.books] == [sub.id]


def test_a_closed_month_shows_what_was_final_and_the_true_up_comes_later() -> None:
    top, sub = a_pair()
    charge(a_wallet(5_000, reseller=sub), "2380")

    close_this_month()

    report = euros_of(top)
    assert (report.provisional, report.final) == (euros(300), euros(250 + 300 - 200))
    assert report.trued_up == euros(0)
    assert [step.rate for step in report.steps] == [Decimal("0.25"), Decimal("0.30")]


def test_a_month_shows_what_it_took_back_from_an_earlier_one() -> None:
    top, sub = a_pair()
    wallet = a_wallet(5_000, reseller=sub)
    charge(wallet, "1190")
    gone = charge(wallet, "1190")
    close_this_month()
    month = next_month(this_month())
    reverse(sub.id, gone.id)
    close_month(month=month, now=starts_at(next_month(month)) + timedelta(hours=2))

    with transaction(TenantScope(top.id)) as session:
        (report,) = commission_report(session, TenantScope(top.id), month=month).currencies

    assert report.taken_back == [
        TakenBackLine(this_month(), euros(1_000), euros(250 + 300), euros(250))
    ]
    assert report.final == euros(250 - 550 + 100)
    assert report.volume == euros(-1_000)


def test_every_line_leads_to_its_charge_and_the_rate_explains_the_amount() -> None:
    top, sub = a_pair()
    wallets = [a_wallet(5_000, reseller=each) for each in (top, sub)]
    charges = []
    for number in range(6):
        charges.append(charge(wallets[number % 2], str(301 + number)))
        follow_the_volume()
    assert {line.rate for line in report_of(top).lines.rows} >= {Decimal("0.25"), Decimal("0.20")}

    for reseller in (top, sub):
        lines = report_of(reseller).lines.rows
        own = charges if reseller is top else charges[1::2]
        assert [line.entry_id for line in lines] == [each.id for each in reversed(own)]
        assert [line.net for line in lines] == [each.net for each in reversed(own)]
        for line in lines:
            assert line.rate is not None
            share = (line.net.minor * line.rate).to_integral_value(ROUND_FLOOR)
            assert line.amount.minor == share


def test_lines_come_in_pages() -> None:
    top, _ = a_pair()
    wallet = a_wallet(5_000, reseller=top)
    ids = [charge(wallet, "100").id for _ in range(5)]

    first = report_of(top, size=2).lines
    second = report_of(top, size=2, before=UUID(first.next_cursor or "")).lines
    third = report_of(top, size=2, before=UUID(second.next_cursor or "")).lines

    found = [line.entry_id for page in (first, second, third) for line in page.rows]
    assert found == list(reversed(ids))
    assert third.next_cursor is None


def test_a5_a_reseller_sees_nothing_of_one_beside_or_above_it() -> None:
    top, sub = a_pair()
    stranger = a_priced_reseller()
    charge(a_wallet(5_000, reseller=top), "1190")
    charge(a_wallet(5_000, reseller=stranger), "1190")
    a_wallet(0, reseller=sub)

    report = report_of(sub)

    assert (report.currencies, report.lines.rows) == ([], [])


# Sequential scans of this connection that are not yet reported.
_SCANS = text("""
SELECT relname, seq_scan FROM pg_stat_xact_user_tables
 WHERE relname NOT IN ('ledger_account_kinds', 'tenants') ORDER BY relname
""")


def test_a_report_finds_everything_by_an_index() -> None:
    top, sub = a_pair()
    wallet = a_wallet(5_000, reseller=sub)
    for _ in range(3):
        charge(wallet, "100")
    with transaction(TenantScope(sub.id)) as session:
        roll_up(session, sub.id)
    charge(wallet, "100")
    scope = TenantScope(top.id)

    with transaction(scope) as session:
        # Small tables are scanned whole by choice: now only where there is no other way.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        before = session.execute(_SCANS).all()
        report = commission_report(session, scope, month=this_month())
        after = session.execute(_SCANS).all()

    assert len(report.lines.rows) == 4
    assert [scans for scans in after if scans not in before and scans.seq_scan] == []
