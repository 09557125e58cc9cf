"""Spending caps and holds: what open holds may still spend is as good as spent (C5, C10)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import psycopg
import pytest

from app import billing
from app.billing import CapLine, CapReachedError, PlacedHold, Wallet, hold_credit
from app.billing.reported import NamedPayer
from app.identity import assign_subject
from app.kernel import Money, now, transaction
from tests.conftest import Database
from tests.factories.credits import broken_laws, cap, credit_of, euros
from tests.factories.holds import a_hold, capture, extend, let_hold_expire, release, used
from tests.factories.money import a_wallet, an_event, charge, funds_of, scope_of_wallet
from tests.factories.names import unique
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("own_database")
LINE, OTHER_LINE = "line:+4930123456", "line:+4930999"


def caps_of(wallet: Wallet) -> list[CapLine]:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.list_caps(session, scope, wallet=wallet, now=now())


def kept_by(wallet: Wallet) -> int:
    credit = credit_of(wallet)
    return credit.paid.minor - credit.available.minor


def use(wallet: Wallet, quantity: str, *, subject: str | None = None) -> billing.Charge:
    return charge(wallet, replace(an_event(wallet, quantity), subject=subject))


def test_c10_open_holds_together_never_pass_the_cap_of_a_wallet() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 1_000)
    a_hold(wallet, 700)

    with pytest.raises(CapReachedError) as refused:
        a_hold(wallet, 301)

    assert refused.value.facts == {"limit": 1_000, "spent": 0, "held": 700, "currency": "EUR"}
    assert kept_by(wallet) == 700
    assert a_hold(wallet, 300).amount == euros(300)


def test_c10_holds_at_once_never_pass_a_cap() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 350)

    results = all_at_once([partial(a_hold, wallet, 100) for _ in range(8)])

    assert len(answers(results)) == 3
    assert refusals(results) == [CapReachedError] * 5
    assert kept_by(wallet) == 300


def test_c3_a_hold_under_a_cap_that_is_sent_many_times_at_once_is_one_hold() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 150)

    for key in (unique("hold") for _ in range(3)):
        results = all_at_once([partial(a_hold, wallet, 100, key=key) for _ in range(8)])
        made = answers(results)
        release(wallet, made[0].id)

        assert refusals(results) == []
        assert len({hold.id for hold in made}) == 1
        assert sorted(hold.replayed for hold in made) == [False] + [True] * 7

    assert kept_by(wallet) == 0


def test_c10_a_hold_of_a_line_asks_the_cap_of_that_line_alone() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100, subject=LINE)
    a_hold(wallet, 60, subject=LINE)
    a_hold(wallet, 500, subject=OTHER_LINE)
    a_hold(wallet, 500)

    with pytest.raises(CapReachedError):
        a_hold(wallet, 41, subject=LINE)

    assert kept_by(wallet) == 1_060
    assert a_hold(wallet, 40, subject=LINE).amount == euros(40)


def test_c10_a_charge_leaves_room_for_what_open_holds_may_spend() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100, subject=LINE)
    hold = a_hold(wallet, 60, subject=LINE)

    with pytest.raises(CapReachedError):
        use(wallet, "41", subject=LINE)

    assert (funds_of(wallet), kept_by(wallet)) == (5_000, 60)
    release(wallet, hold.id)
    assert use(wallet, "41", subject=LINE).gross == euros(41)


def test_c10_an_extension_asks_the_caps_of_the_line_that_the_hold_was_for() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100, subject=LINE)
    hold = a_hold(wallet, 60, subject=LINE)

    with pytest.raises(CapReachedError):
        extend(wallet, hold.id, 41)

    assert kept_by(wallet) == 60
    assert extend(wallet, hold.id, 40).amount == euros(100)


def test_a_hold_that_was_open_before_the_cap_was_set_counts() -> None:
    wallet = a_wallet(5_000)
    a_hold(wallet, 60, subject=LINE)
    cap(wallet, 100, subject=LINE)

    with pytest.raises(CapReachedError):
        a_hold(wallet, 41, subject=LINE)

    assert kept_by(wallet) == 60


def test_a_hold_that_has_expired_makes_room_under_a_cap(own_database: Database) -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 1_000)
    let_hold_expire(a_hold(wallet, 1_000).id, own_database)

    again = a_hold(wallet, 1_000)

    assert (again.amount, kept_by(wallet)) == (euros(1_000), 1_000)


def test_what_was_delivered_under_a_hold_is_charged_though_it_passes_a_cap() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100)
    hold = a_hold(wallet, 100)

    paid = capture(wallet, hold.id, used("250"))

    assert paid.gross == euros(250)
    assert caps_of(wallet) == [CapLine(None, euros(100), euros(250))]
    assert broken_laws() == {}


@pytest.mark.parametrize("is_capped_before", [True, False])
def test_a_capture_that_names_no_line_counts_for_the_line_of_its_hold(
    *, is_capped_before: bool
) -> None:
    wallet = a_wallet(5_000)
    if is_capped_before:
        cap(wallet, 100, subject=LINE)
    hold = a_hold(wallet, 80, subject=LINE)
    capture(wallet, hold.id, used("80"))

    cap(wallet, 90, subject=LINE)

    assert caps_of(wallet) == [CapLine(LINE, euros(90), euros(80))]


def _capture_a_little(wallet: Wallet, hold_id: UUID) -> billing.Charge:
    return capture(wallet, hold_id, used("1"))


@pytest.mark.parametrize("close", [release, _capture_a_little])
def test_m3_a_closed_hold_has_forgotten_its_line(
    own_database: Database, close: Callable[[Wallet, UUID], object]
) -> None:
    wallet = a_wallet(5_000)
    hold = a_hold(wallet, 80, subject=LINE)
    before = _about(own_database, hold)

    close(wallet, hold.id)

    assert (before, _about(own_database, hold)) == (LINE, None)


def test_the_line_that_a_hold_is_asked_for_is_held_to_its_cap() -> None:
    wallet = a_wallet(5_000)
    scope, at = scope_of_wallet(wallet), now()
    with transaction(scope) as session:
        assign_subject(
            session, scope, subject=LINE, customer_id=wallet.customer_id,
            valid_from=at - timedelta(days=1), now=at,
        )  # fmt: skip
    cap(wallet, 100, subject=LINE)

    with pytest.raises(CapReachedError):
        hold_credit(
            scope, key=unique("hold"), payer=NamedPayer(subject=LINE.upper()),
            wanted=Money(101, "EUR"), lasts=timedelta(hours=1), now=at,
        )  # fmt: skip

    assert kept_by(wallet) == 0


def _about(database: Database, hold: PlacedHold) -> str | None:
    with psycopg.connect(database.owner_url) as owner:
        query = "SELECT about FROM ledger_holds WHERE id = %s"
        found = owner.execute(query, [hold.id]).fetchone()
    about: str | None = found[0] if found else "no hold"
    return about
