"""Charges written off: the exact mirror of their entry, once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import psycopg
import pytest

from app import billing
from app.billing import (
    AlreadyReversedError,
    ChargeNotFoundError,
    ReasonRefusedError,
    Wallet,
    charge_due_fees,
    expire_bonuses,
    reverse_charge,
)
from app.billing.models import LotState
from app.kernel import new_id, now, transaction
from app.pricing import CreditPurpose, Offer, set_price
from app.tenancy import PLATFORM_ID, PlatformScope
from tests.conftest import Database
from tests.factories import a_reseller, scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import (
    PLATFORM_ADMIN,
    REASON,
    a_contract,
    adjust,
    allow_grace,
    broken_laws,
    figures,
    lots_of,
    reverse,
    with_bonus,
    with_fee,
)
from tests.factories.money import (
    a_chain,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    funds_of,
    owned_by,
    scope_of_wallet,
)
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("own_database")


def everything(wallet: Wallet) -> dict[UUID, int]:
    """Every account of the wallet's book that is not empty, by its transfers."""
    with psycopg.connect(_Database.url) as owner:
        rows = owner.execute(
            "SELECT s.id, sum(s.delta) FROM ledger_transfers x CROSS JOIN LATERAL"
            " (VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) s (id, delta)"
            " WHERE x.book_id = %s GROUP BY s.id HAVING sum(s.delta) <> 0",
            [wallet.reseller_id],
        ).fetchall()
    return {account: int(total) for account, total in rows}


class _Database:
    url = ""


@pytest.fixture(autouse=True)
def _know_the_database(own_database: Database) -> None:
    _Database.url = own_database.owner_url


@pytest.mark.parametrize("purpose", CreditPurpose)
@pytest.mark.parametrize("depth", [1, 3])
def test_a_written_off_charge_leaves_every_account_as_before(
    depth: int, purpose: CreditPurpose
) -> None:
    chain = a_chain(depth, offer=an_offer(purpose=purpose))
    wallet = a_wallet(1_000, reseller=chain[-1])
    before = everything(wallet)
    made = charge(wallet, "190")

    reversal = reverse(wallet.reseller_id, made.id)

    assert everything(wallet) == before
    assert (reversal.entry_id, reversal.reason) == (made.id, REASON)
    assert broken_laws() == {}


def test_of_many_reversals_at_once_exactly_one_wins() -> None:
    wallet = a_wallet(1_000)
    made = charge(wallet, "190")

    results = all_at_once([partial(reverse, wallet.reseller_id, made.id)] * 8)

    assert len(answers(results)) == 1
    assert refusals(results) == [AlreadyReversedError] * 7
    assert funds_of(wallet) == 1_000
    assert broken_laws() == {}


def test_everything_reversed_at_once_gives_back_everything_once() -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (10_000, 1_000)))
    wallet = a_wallet(10_000, reseller=reseller)
    before = everything(wallet)
    made = [charge(wallet, "300") for _ in range(6)]

    results = all_at_once(
        [partial(reverse, wallet.reseller_id, each.id) for each in made for _ in range(2)]
    )

    assert len(answers(results)) == 6
    assert refusals(results) == [AlreadyReversedError] * 6
    assert everything(wallet) == before
    assert figures(wallet) == (10_000, 1_000, 0)
    assert broken_laws() == {}


def test_a_spent_lot_gets_its_bonus_back_and_may_be_spent_again() -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (10_000, 1_000)))
    wallet = a_wallet(10_000, reseller=reseller)
    made = charge(wallet, "1200")

    reverse(reseller.id, made.id)

    assert figures(wallet) == (10_000, 1_000, 0)
    assert lots_of(wallet)[0].state == LotState.OPEN.value
    assert charge(wallet, "1200").facts.bonus == 1_000


def test_an_expired_lot_that_gets_something_back_expires_again() -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (10_000, 1_000), days=1))
    wallet = a_wallet(10_000, reseller=reseller)
    made = charge(wallet, "400")
    over = now() + timedelta(days=2)
    expire_bonuses(scope_of(reseller), now=over)

    reverse(reseller.id, made.id)
    swept = expire_bonuses(scope_of(reseller), now=over)

    assert swept == 1
    assert figures(wallet) == (10_000, 0, 0)
    assert owned_by(PLATFORM_ID, book_id=reseller.id)["promotion"] == 0
    assert broken_laws() == {}


def test_a_debt_that_is_written_off_is_owed_no_more() -> None:
    wallet = a_wallet(500)
    allow_grace(wallet, 500)
    made = charge(wallet, "700")

    reverse(wallet.reseller_id, made.id)

    assert figures(wallet) == (500, 0, 0)
    assert broken_laws() == {}


def test_what_a_top_up_paid_of_a_debt_comes_back_as_paid_credit() -> None:
    wallet = a_wallet(500)
    allow_grace(wallet, 500)
    made = charge(wallet, "700")
    charge(wallet, "50")
    a_settled_top_up(wallet, 600)

    reverse(wallet.reseller_id, made.id)

    assert figures(wallet) == (500 + 600 - 50, 0, 0)
    assert broken_laws() == {}


def test_a_fee_is_written_off_and_not_charged_again() -> None:
    reseller = a_chain(1, offer=with_fee(an_offer()))[0]
    wallet = a_wallet(1_000, reseller=reseller)
    before = everything(wallet)
    start = datetime(2026, 1, 31, 11, tzinfo=UTC)
    a_contract(wallet, starts_at=start)
    charge_due_fees(scope_of(reseller), now=start)
    with transaction(scope_of(reseller)) as session:
        page = billing.wallet_history(session, scope_of(reseller), wallet=wallet)

    reverse(reseller.id, page.rows[0].id)
    again = charge_due_fees(scope_of(reseller), now=start)

    assert everything(wallet) == before
    assert again.charged == 0
    assert broken_laws() == {}


def test_allowance_that_a_written_off_charge_used_is_free_again() -> None:
    offer = an_offer(meter=unique("minutes"), allowance="100")
    meter = _meter_of(offer.id)
    wallet = a_wallet(1_000, reseller=a_priced_reseller(offer=offer))
    made = charge(wallet, an_event(wallet, "150", meter=meter))

    reverse(wallet.reseller_id, made.id)
    again = charge(wallet, an_event(wallet, "150", meter=meter))

    assert (made.gross.minor, again.gross.minor) == (50, 50)
    assert again.facts.free == Decimal(100)


def test_a_charge_that_was_free_is_written_off_and_its_allowance_is_free_again() -> None:
    offer = an_offer(meter=unique("minutes"), allowance="100")
    meter = _meter_of(offer.id)
    wallet = a_wallet(1_000, reseller=a_priced_reseller(offer=offer))
    made = charge(wallet, an_event(wallet, "80", meter=meter))

    reverse(wallet.reseller_id, made.id)
    again = charge(wallet, an_event(wallet, "100", meter=meter))

    assert (made.gross.minor, again.gross.minor, funds_of(wallet)) == (0, 0, 1_000)
    assert broken_laws() == {}


def test_a_plain_charge_that_is_written_off_takes_nothing_from_what_others_used() -> None:
    offer = an_offer(meter=unique("minutes"))
    meter = _meter_of(offer.id)
    wallet = a_wallet(1_000, reseller=a_priced_reseller(offer=offer))
    change = now() - timedelta(minutes=2)
    plain = charge(
        wallet, an_event(wallet, "100", meter=meter, occurred_at=change - timedelta(minutes=1))
    )
    _allow(offer, meter, "100", since=change)
    charge(wallet, an_event(wallet, "100", meter=meter))

    reverse(wallet.reseller_id, plain.id)
    after = charge(wallet, an_event(wallet, "40", meter=meter))

    assert (after.gross.minor, after.facts.free) == (40, Decimal(0))


def _allow(offer: Offer, meter: str, allowance: str, *, since: datetime) -> None:
    """Free so many units of every month from a time on."""
    scope = PlatformScope()
    with transaction(scope) as session:
        set_price(
            session,
            scope,
            offer_id=offer.id,
            meter=meter,
            unit_price=Decimal("0.01"),
            valid_from=since,
            allowance=Decimal(allowance),
        )


def _meter_of(offer_id: UUID) -> str:
    with psycopg.connect(_Database.url) as owner:
        row = owner.execute("SELECT meter FROM prices WHERE offer_id = %s", [offer_id]).fetchone()
    assert row is not None
    return str(row[0])


def test_history_shows_what_was_written_off_and_by_what() -> None:
    wallet = a_wallet(1_000)
    made = charge(wallet, "190")
    charge(wallet, "10")
    reversal = reverse(wallet.reseller_id, made.id)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        page = billing.wallet_history(session, scope, wallet=wallet)

    back, other, first, _ = page.rows
    assert (back.kind, back.id, back.reverses) == ("reversal", reversal.reversal_id, made.id)
    assert back.amount.minor == 190
    assert (first.is_reversed, other.is_reversed) == (True, False)


def test_what_is_no_charge_cannot_be_written_off(own_database: Database) -> None:
    wallet = a_wallet(1_000)
    adjustment = adjust(wallet, 100)
    made = charge(wallet, "100")
    reversal = reverse(wallet.reseller_id, made.id)
    before = rows_of_all_tables(own_database.owner_url)

    for entry in (adjustment.entry_id, reversal.reversal_id, new_id()):
        with pytest.raises(ChargeNotFoundError):
            reverse(wallet.reseller_id, entry)

    assert rows_of_all_tables(own_database.owner_url) == before


def test_another_resellers_charge_looks_like_none() -> None:
    wallet = a_wallet(1_000)
    made = charge(wallet, "100")

    with pytest.raises(ChargeNotFoundError):
        reverse(a_reseller().id, made.id)

    assert funds_of(wallet) == 900


def test_nothing_is_written_off_without_a_reason() -> None:
    wallet = a_wallet(1_000)
    made = charge(wallet, "100")
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session, pytest.raises(ReasonRefusedError):
        reverse_charge(
            session, scope, entry_id=made.id, reason="-", now=now(), actor=PLATFORM_ADMIN
        )

    assert funds_of(wallet) == 900
