"""Bonuses for resellers: each once per customer, by the terms at the event."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select

from app.billing import Wallet, grant_due_bonuses, grant_new_customer_bonus
from app.commissions import (
    BonusKind,
    BonusTerms,
    BonusTermsRefusedError,
    month_of,
    months_after,
    next_month,
    set_bonus,
    starts_at,
)
from app.commissions.models import CommissionBonus, CommissionBonusTerm
from app.identity import Customer, CustomerState
from app.kernel import Money, now, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories.credits import reverse
from tests.factories.money import (
    LONG_AGO,
    a_priced_reseller,
    a_settled_top_up,
    a_top_up,
    a_wallet,
    charge,
    owned_by,
)
from tests.factories.months import agree_bonus
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("connected")
PLATFORM = PlatformScope()
NEW, RETENTION, HIGH = BonusKind.NEW_CUSTOMER, BonusKind.RETENTION, BonusKind.HIGH_USAGE


def bonuses_of(reseller: Tenant) -> list[tuple[str, int]]:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        rows = session.scalars(
            select(CommissionBonus)
            .where(CommissionBonus.reseller_id == reseller.id)
            .order_by(CommissionBonus.kind)
        )
        return [(row.kind, row.amount_minor) for row in rows]


def welcome(wallet: Wallet) -> Money | None:
    scope = TenantScope(wallet.reseller_id)
    with transaction(scope) as session:
        return grant_new_customer_bonus(session, scope, wallet_id=wallet.id, now=now())


def grant_due(reseller: Tenant, at: datetime | None = None) -> list[int]:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return [amount.minor for amount in grant_due_bonuses(session, scope, now=at or now())]


def earned_by(reseller: Tenant) -> tuple[int, int]:
    """What the reseller has, and what it cost the platform in its book."""
    platform = owned_by(PLATFORM_ID, book_id=reseller.id)
    return owned_by(reseller.id).get("commission", 0), platform.get("promotion", 0)


def test_the_first_paid_top_up_of_a_customer_earns_its_reseller_a_bonus_once() -> None:
    reseller = a_priced_reseller()
    agree_bonus(NEW, 500, reseller_id=reseller.id)
    wallet = a_wallet(1_000, reseller=reseller)

    first = welcome(wallet)
    a_settled_top_up(wallet, 2_000)
    second = welcome(wallet)

    assert (first, second) == (Money(500, "EUR"), None)
    assert earned_by(reseller) == (500, -500)
    assert bonuses_of(reseller) == [("new_customer", 500)]


def test_a_customer_that_has_not_paid_earns_nothing() -> None:
    reseller = a_priced_reseller()
    agree_bonus(NEW, 500, reseller_id=reseller.id)
    wallet = a_wallet(0, reseller=reseller)
    a_top_up(wallet)

    assert welcome(wallet) is None
    assert bonuses_of(reseller) == []


def test_ten_workers_at_once_grant_one_bonus() -> None:
    reseller = a_priced_reseller()
    agree_bonus(NEW, 500, reseller_id=reseller.id)
    wallet = a_wallet(1_000, reseller=reseller)

    results = all_at_once([lambda: welcome(wallet)] * 8)

    assert sorted(each is None for each in answers(results)) == [False, *[True] * 7]
    assert earned_by(reseller) == (500, -500)


def test_the_terms_at_the_first_top_up_count_and_an_own_row_goes_before_the_platforms() -> None:
    reseller = a_priced_reseller()
    # Other tests of this database sell too: an own row of nothing, and a later own one.
    agree_bonus(NEW, 0, reseller_id=reseller.id)
    early = a_wallet(1_000, reseller=reseller)
    agree_bonus(NEW, 700, reseller_id=reseller.id, valid_from=now())
    late = a_wallet(1_000, reseller=reseller)

    assert (welcome(early), welcome(late)) == (None, Money(700, "EUR"))


def test_what_is_agreed_for_everybody_holds_where_nothing_else_is_agreed() -> None:
    agree_bonus(NEW, 123, valid_from=now())
    reseller, other = a_priced_reseller(), a_priced_reseller()
    agree_bonus(NEW, 0, reseller_id=other.id)

    found = [welcome(a_wallet(1_000, reseller=each)) for each in (reseller, other)]
    agree_bonus(NEW, 0, valid_from=now())

    assert found == [Money(123, "EUR"), None]


def paid_since(owner_url: str, wallet: Wallet, settled_at: datetime) -> None:
    """Let the wallet's top-ups have settled at another time, as only the superuser can."""
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "UPDATE top_ups SET settled_at = %s WHERE wallet_id = %s", [settled_at, wallet.id]
        )


def used_at(owner_url: str, entry_id: UUID, at: datetime) -> None:
    with psycopg.connect(owner_url) as owner:
        owner.execute("UPDATE ledger_entries SET created_at = %s WHERE id = %s", [at, entry_id])


def a_stayer(
    connected: Database, reseller: Tenant, *, months: int = 3, used: tuple[int, ...] = (0, 1, 2)
) -> tuple[Wallet, datetime]:
    """A customer that paid first `months` months ago and a bit, and used something in some."""
    wallet = a_wallet(5_000, reseller=reseller)
    first = months_after(now(), -months) - timedelta(hours=1)
    paid_since(connected.owner_url, wallet, first)
    for month in used:
        entry = charge(wallet, "10").id
        used_at(connected.owner_url, entry, months_after(first, month) + timedelta(days=1))
    return wallet, first


def test_a_customer_that_stayed_and_used_something_each_month_earns_a_bonus(
    connected: Database,
) -> None:
    reseller = a_priced_reseller(offer=None)
    agree_bonus(RETENTION, 1_000, reseller_id=reseller.id, months=3)
    a_stayer(connected, reseller)

    first, second = grant_due(reseller), grant_due(reseller)

    assert (first, second) == ([1_000], [])
    assert bonuses_of(reseller) == [("retention", 1_000)]


@pytest.mark.parametrize("used", [(), (0, 1), (1, 2), (0, 2)])
def test_a_month_without_use_earns_nothing(connected: Database, used: tuple[int, ...]) -> None:
    reseller = a_priced_reseller()
    agree_bonus(RETENTION, 1_000, reseller_id=reseller.id, months=3)
    a_stayer(connected, reseller, used=used)

    assert grant_due(reseller) == []
    assert bonuses_of(reseller) == []


def test_a_month_whose_use_was_written_off_is_a_month_without_use(connected: Database) -> None:
    reseller = a_priced_reseller()
    agree_bonus(RETENTION, 1_000, reseller_id=reseller.id, months=3)
    wallet, first = a_stayer(connected, reseller, used=(0, 2))
    entry = charge(wallet, "10").id
    used_at(connected.owner_url, entry, months_after(first, 1) + timedelta(days=1))

    reverse(reseller.id, entry)

    assert grant_due(reseller) == []
    assert bonuses_of(reseller) == []


def test_a_day_too_early_and_a_customer_that_was_blocked_earn_nothing(
    connected: Database,
) -> None:
    reseller = a_priced_reseller()
    agree_bonus(RETENTION, 1_000, reseller_id=reseller.id, months=3)
    wallet, first = a_stayer(connected, reseller)
    too_early = grant_due(reseller, months_after(first, 3) - timedelta(seconds=1))
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        customer = session.get_one(Customer, (reseller.id, wallet.customer_id))
        customer.state = CustomerState.BLOCKED.value

    blocked = grant_due(reseller)

    assert (too_early, blocked) == ([], [])


def test_the_first_month_of_much_use_earns_a_bonus_once() -> None:
    reseller = a_priced_reseller()
    agree_bonus(HIGH, 200, reseller_id=reseller.id, threshold=1_000)
    wallet = a_wallet(5_000, reseller=reseller)
    charge(wallet, "999")
    below = grant_due(reseller)

    charge(wallet, "1")
    later = now() + timedelta(seconds=1)
    reached, again = grant_due(reseller, later), grant_due(reseller, later)

    assert (below, reached, again) == ([], [200], [])


def test_what_was_written_off_is_no_use() -> None:
    reseller = a_priced_reseller()
    agree_bonus(HIGH, 200, reseller_id=reseller.id, threshold=1_000)
    wallet = a_wallet(5_000, reseller=reseller)
    undone = charge(wallet, "600")
    charge(wallet, "400")
    reverse(reseller.id, undone.id)

    below = grant_due(reseller, now() + timedelta(seconds=1))
    charge(wallet, "600")

    assert below == []
    assert grant_due(reseller, now() + timedelta(seconds=1)) == [200]


def test_what_was_reached_on_the_last_day_of_a_month_is_granted_in_the_next() -> None:
    reseller = a_priced_reseller()
    agree_bonus(HIGH, 200, reseller_id=reseller.id, threshold=1_000)
    charge(a_wallet(5_000, reseller=reseller), "1000")
    after = starts_at(next_month(month_of(now())))

    assert grant_due(reseller, after + timedelta(hours=3)) == [200]
    assert bonuses_of(reseller) == [("high_usage", 200)]


def test_use_of_two_months_is_not_added_up() -> None:
    reseller = a_priced_reseller()
    agree_bonus(HIGH, 200, reseller_id=reseller.id, threshold=1_000)
    charge(a_wallet(5_000, reseller=reseller), "1000")
    two_months_on = starts_at(next_month(next_month(month_of(now()))))

    assert grant_due(reseller, two_months_on + timedelta(hours=3)) == []


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        (NEW, BonusTerms(Money(-1, "EUR"))),
        (NEW, BonusTerms(Money(1, "EUR"), months=3)),
        (RETENTION, BonusTerms(Money(1, "EUR"))),
        (RETENTION, BonusTerms(Money(1, "EUR"), months=0)),
        (HIGH, BonusTerms(Money(1, "EUR"))),
        (HIGH, BonusTerms(Money(1, "EUR"), threshold=Money(0, "EUR"))),
    ],
)
def test_terms_that_say_too_little_are_refused(kind: BonusKind, terms: BonusTerms) -> None:
    reseller = a_priced_reseller()

    with pytest.raises(BonusTermsRefusedError), transaction(PLATFORM) as session:
        set_bonus(
            session,
            PLATFORM,
            kind=kind,
            terms=terms,
            valid_from=LONG_AGO,
            reseller_id=reseller.id,
        )

    assert terms_of(reseller) == 0


def test_a_date_that_has_terms_is_refused() -> None:
    reseller = a_priced_reseller()
    agree_bonus(NEW, 500, reseller_id=reseller.id)

    with pytest.raises(BonusTermsRefusedError):
        agree_bonus(NEW, 600, reseller_id=reseller.id)

    assert terms_of(reseller) == 1


def terms_of(reseller: Tenant) -> int:
    with transaction(PLATFORM) as session:
        query = select(CommissionBonusTerm).where(CommissionBonusTerm.reseller_id == reseller.id)
        return len(session.scalars(query).all())


@pytest.mark.parametrize(
    ("at", "months", "after"),
    [
        ("2026-01-31T12:00:00+01:00", 1, "2026-02-28T12:00:00+01:00"),
        ("2026-11-30T23:30:00+01:00", 3, "2027-02-28T23:30:00+01:00"),
        ("2026-03-01T00:30:00+01:00", 1, "2026-04-01T00:30:00+02:00"),
        ("2026-03-31T12:00:00+02:00", -1, "2026-02-28T12:00:00+01:00"),
    ],
)
def test_months_are_counted_from_the_day_in_berlin(at: str, months: int, after: str) -> None:
    assert months_after(datetime.fromisoformat(at), months) == datetime.fromisoformat(after)
