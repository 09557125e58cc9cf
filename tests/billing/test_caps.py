"""Spending caps per wallet and per subject, by Berlin month (requirement C10)."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from app import billing, identity
from app.billing import CapLine, CapReachedError, LimitRefusedError, Wallet, set_cap
from app.kernel import AppError, CurrencyMismatchError, Money, now, transaction
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import broken_laws, cap, euros, reverse
from tests.factories.money import a_wallet, an_event, charge, funds_of, scope_of_wallet
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("own_database")
LINE = "line:+4930123456"


def caps_of(wallet: Wallet, *, later: timedelta = timedelta(0)) -> list[CapLine]:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.list_caps(session, scope, wallet=wallet, now=now() + later)


def use(wallet: Wallet, quantity: str, *, subject: str | None = None) -> billing.Charge:
    return charge(wallet, replace(an_event(wallet, quantity), subject=subject))


def test_c10_a_wallet_spends_up_to_its_cap_and_a_refused_event_binds_nothing() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 300)
    use(wallet, "200")
    event = an_event(wallet, "101")

    with pytest.raises(CapReachedError) as refused:
        charge(wallet, event)
    cap(wallet, 301)

    assert refused.value.facts == {"limit": 300, "spent": 200, "held": 0, "currency": "EUR"}
    assert charge(wallet, event).gross == euros(101)
    assert caps_of(wallet) == [CapLine(None, euros(301), euros(301))]
    assert broken_laws() == {}


def test_what_was_charged_this_month_counts_when_a_cap_is_set() -> None:
    wallet = a_wallet(5_000)
    use(wallet, "150", subject=LINE)
    use(wallet, "70")
    reverse(wallet.reseller_id, use(wallet, "40").id)

    cap(wallet, 300)
    cap(wallet, 200, subject=LINE)

    assert caps_of(wallet) == [
        CapLine(None, euros(300), euros(220)),
        CapLine(LINE, euros(200), euros(150)),
    ]


def test_a_cap_of_a_line_stops_that_line_alone() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100, subject=LINE)

    with pytest.raises(CapReachedError):
        use(wallet, "101", subject=LINE)
    use(wallet, "101", subject="line:+4930999")
    use(wallet, "101")

    assert funds_of(wallet) == 5_000 - 202


def test_in_another_month_nothing_is_spent_yet() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 300)
    use(wallet, "200")

    assert caps_of(wallet, later=timedelta(days=32)) == [CapLine(None, euros(300), euros(0))]


def test_what_began_before_the_months_turn_never_takes_a_cap_back_a_month() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 300)
    scope, before = scope_of_wallet(wallet), now()
    turned = before + timedelta(days=32)
    with transaction(scope) as session:
        billing.charge_usage(session, scope, usage=an_event(wallet, "200"), now=turned)

    with transaction(scope) as session:
        billing.charge_usage(session, scope, usage=an_event(wallet, "60"), now=before)
    with transaction(scope) as session, pytest.raises(CapReachedError) as refused:
        billing.charge_usage(session, scope, usage=an_event(wallet, "41"), now=before)

    assert refused.value.facts["spent"] == 260
    assert caps_of(wallet, later=timedelta(days=32)) == [CapLine(None, euros(300), euros(260))]


def test_a_cap_that_is_removed_lets_the_wallet_pay_without_care() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 100)
    cap(wallet, 50, subject=LINE)

    cap(wallet, None)
    half = _fresh(wallet).needs_care
    cap(wallet, None, subject=LINE)

    assert (half, _fresh(wallet).needs_care) == (True, False)
    assert use(wallet, "500", subject=LINE).gross == euros(500)
    assert caps_of(wallet) == []


def test_c4_charges_at_once_never_pass_a_cap() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 350)

    results = all_at_once([partial(use, wallet, "100") for _ in range(10)])

    assert len(answers(results)) == 3
    assert refusals(results) == [CapReachedError] * 7
    assert caps_of(wallet) == [CapLine(None, euros(350), euros(300))]


def test_a_charge_that_is_written_off_makes_room_again() -> None:
    wallet = a_wallet(5_000)
    cap(wallet, 300)
    cap(wallet, 300, subject=LINE)
    made = use(wallet, "300", subject=LINE)

    reverse(wallet.reseller_id, made.id)

    assert [line.spent for line in caps_of(wallet)] == [euros(0), euros(0)]
    assert use(wallet, "300", subject=LINE).gross == euros(300)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"limit": euros(-1)}, LimitRefusedError),
        ({"limit": Money(1, "USD")}, CurrencyMismatchError),
        ({"subject": "two words"}, identity.SubjectRefusedError),
    ],
)
def test_a_bad_cap_is_refused_and_changes_nothing(
    own_database: Database, wrong: dict[str, object], refusal: type[AppError]
) -> None:
    wallet = a_wallet(500)
    scope = scope_of_wallet(wallet)
    asked: dict[str, object] = {"subject": None, "limit": euros(100), "wallet_id": wallet.id}
    before = rows_of_all_tables(own_database.owner_url)

    with transaction(scope) as session, pytest.raises(refusal):
        set_cap(session, scope, now=now(), **{**asked, **wrong})  # type: ignore[arg-type]

    assert rows_of_all_tables(own_database.owner_url) == before


def test_another_resellers_wallet_cannot_be_capped() -> None:
    wallet = a_wallet(500)
    scope = scope_of(a_reseller())

    with transaction(scope) as session, pytest.raises(billing.WalletNotFoundError):
        set_cap(session, scope, wallet_id=wallet.id, subject=None, limit=euros(0), now=now())

    assert use(wallet, "1").gross == euros(1)


def _fresh(wallet: Wallet) -> Wallet:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.get_wallet_by_id(session, scope, wallet_id=wallet.id)
