from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import update

from app.billing import (
    EventIdReusedError,
    FutureUsageError,
    InsufficientFundsError,
    Wallet,
    WalletFrozenError,
    WalletNotFoundError,
    freeze_wallet,
    open_wallet,
)
from app.billing import terms as billing_terms
from app.billing.models import UsageRecord
from app.commissions import NoAgreementError
from app.kernel import AppError, Money, new_id, now, transaction
from app.pricing import BadQuantityError, CreditPurpose, NoPriceError, sell_offer
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.factories import a_customer, a_reseller
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import (
    LONG_AGO,
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

pytestmark = pytest.mark.usefixtures("connected")
PLATFORM = PlatformScope()


def earned(chain: list[Tenant]) -> list[int]:
    """What each member of a chain has earned in the book of the last one."""
    return [owned_by(member.id, book_id=chain[-1].id)["commission"] for member in chain]


@pytest.mark.parametrize(("depth", "commissions"), [(1, [40]), (2, [16, 24]), (3, [16, 8, 16])])
def test_c2_a_charge_pays_the_whole_chain_the_tax_and_the_platform(
    depth: int, commissions: list[int]
) -> None:
    chain = a_chain(depth)
    wallet = a_wallet(1_000, reseller=chain[-1])

    made = charge(wallet, "190")

    # 1.90 gross is 1.60 net: a quarter of it for the chain, the rest and no cent less for us.
    assert (made.gross.minor, made.net.minor, made.tax.minor) == (190, 160, 30)
    assert earned(chain) == commissions
    assert owned_by(PLATFORM_ID, book_id=chain[-1].id)["revenue"] == 120
    assert funds_of(wallet) == 810
    assert (made.balance, made.version) == (Money(810, "EUR"), 2)


def test_the_remainder_of_rounding_is_the_platforms() -> None:
    chain = a_chain(3, rates=("0.25", "0.15", "0.10"))
    wallet = a_wallet(1_000, reseller=chain[-1])

    charge(wallet, "189")

    # 1.59 net: 15.9, 7.95 and 15.9 cents, rounded down.
    assert earned(chain) == [15, 7, 15]
    assert owned_by(PLATFORM_ID, book_id=chain[-1].id)["revenue"] == 159 - 37


def test_a_charge_too_small_to_share_is_the_platforms_alone() -> None:
    chain = a_chain(3)
    wallet = a_wallet(1_000, reseller=chain[-1])

    charge(wallet, "1")

    assert earned(chain) == [0, 0, 0]
    assert owned_by(PLATFORM_ID, book_id=chain[-1].id)["revenue"] == 1


@pytest.mark.parametrize(
    ("purpose", "before", "after"),
    [
        # The top-up's tax of 1.60 fell due at once; the charge takes its share from the prepaid.
        (
            CreditPurpose.SINGLE,
            {"tax_payable": 160, "tax_prepaid": -160},
            {"tax_payable": 160, "tax_prepaid": -130},
        ),
        (
            CreditPurpose.MULTI,
            {"tax_payable": 0, "tax_prepaid": 0},
            {"tax_payable": 30, "tax_prepaid": 0},
        ),
    ],
)
def test_the_tax_falls_due_when_the_offers_purpose_says(
    purpose: CreditPurpose, before: dict[str, int], after: dict[str, int]
) -> None:
    reseller = a_priced_reseller(offer=an_offer(purpose=purpose))
    wallet = a_wallet(1_000, reseller=reseller)

    def taxes() -> dict[str, int]:
        owned = owned_by(PLATFORM_ID, book_id=reseller.id)
        return {kind: owned[kind] for kind in ("tax_payable", "tax_prepaid")}

    due_at_the_top_up = taxes()
    charge(wallet, "190")

    assert due_at_the_top_up == before
    assert taxes() == after


def test_credit_used_up_leaves_no_prepaid_tax() -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(1_190, reseller=reseller)

    for _ in range(10):
        charge(wallet, "119")

    assert funds_of(wallet) == 0
    assert owned_by(PLATFORM_ID, book_id=reseller.id)["tax_prepaid"] == 0


def test_c3_a_repeated_event_gets_the_same_answer_and_charges_once() -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "100.5", counterparty="+4915112345678")
    first = charge(wallet, event)
    charge(wallet, "50")

    again = charge(wallet, event)

    assert again == replace(first, replayed=True)
    assert str(again.quantity) == str(first.quantity)
    assert funds_of(wallet) == 1_000 - 101 - 50


def test_c3_an_event_spelt_differently_is_still_the_same_event() -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "1.50")
    charge(wallet, event)

    assert charge(wallet, replace(event, quantity=Decimal("1.5"))).replayed
    assert funds_of(wallet) == 998


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": Decimal(101)},
        {"occurred_at": LONG_AGO + timedelta(days=1)},
    ],
    ids=str,
)
def test_c3_an_event_id_with_other_content_is_refused(
    owner_url: str, other: dict[str, object]
) -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "100", counterparty="+4915112345678")
    charge(wallet, event)
    before = rows_of_all_tables(owner_url)

    with pytest.raises(EventIdReusedError):
        charge(wallet, replace(event, **other))  # type: ignore[arg-type]

    assert rows_of_all_tables(owner_url) == before
    assert funds_of(wallet) == 900


def test_c3_an_event_id_of_another_customer_is_refused() -> None:
    reseller = a_priced_reseller()
    one, other = a_wallet(1_000, reseller=reseller), a_wallet(1_000, reseller=reseller)
    event = an_event(one)
    charge(one, event)

    with pytest.raises(EventIdReusedError):
        charge(other, replace(event, customer_id=other.customer_id))

    assert funds_of(other) == 1_000


def test_resellers_do_not_share_event_ids() -> None:
    wallets = [a_wallet(1_000), a_wallet(1_000)]

    charges = [charge(wallet, an_event(wallet, event_id="the-same")) for wallet in wallets]

    assert [made.replayed for made in charges] == [False, False]


def test_c3_want_of_money_leaves_no_row_and_the_event_is_charged_once_after_a_top_up(
    owner_url: str,
) -> None:
    wallet = a_wallet(500)
    event = an_event(wallet, "900")
    before = rows_of_all_tables(owner_url)

    with pytest.raises(InsufficientFundsError) as refused:
        charge(wallet, event)

    assert refused.value.facts == {
        "available": 500,
        "required": 900,
        "missing": 400,
        "currency": "EUR",
    }
    assert rows_of_all_tables(owner_url) == before
    a_settled_top_up(wallet, 1_000)
    first, again = charge(wallet, event), charge(wallet, event)
    assert (first.replayed, again.replayed) == (False, True)
    assert funds_of(wallet) == 600


def test_a_wallet_is_charged_to_its_last_cent() -> None:
    wallet = a_wallet(500)

    charge(wallet, "500")

    with pytest.raises(InsufficientFundsError):
        charge(wallet, "1")
    assert funds_of(wallet) == 0


def test_what_costs_nothing_is_charged_to_an_empty_wallet_and_binds_its_id() -> None:
    wallet = a_wallet(0, reseller=a_priced_reseller(offer=an_offer(unit_price="0")))
    event = an_event(wallet, "100")

    first, again = charge(wallet, event), charge(wallet, event)

    assert (first.gross.minor, first.version, first.replayed) == (0, 1, False)
    assert again == replace(first, replayed=True)
    with pytest.raises(EventIdReusedError):
        charge(wallet, replace(event, quantity=Decimal(1)))


def test_what_rounds_to_nothing_is_recorded_all_the_same() -> None:
    wallet = a_wallet(0)

    made = charge(wallet, "0.4")

    with transaction(scope_of_wallet(wallet)) as session:
        record = session.get_one(UsageRecord, (wallet.reseller_id, made.id))
    assert (record.gross_minor, record.quantity) == (0, Decimal("0.4"))


def frozen(wallet: Wallet) -> Wallet:
    with transaction(PLATFORM) as session:
        freeze_wallet(
            session,
            PLATFORM,
            reseller_id=wallet.reseller_id,
            account_id=wallet.account_id,
            reason="test",
        )
    return wallet


def of_nobody(wallet: Wallet) -> None:
    charge(wallet, replace(an_event(wallet), customer_id=new_id()))


def from_another_reseller(wallet: Wallet) -> None:
    foreign = a_wallet()
    charge(wallet, replace(an_event(wallet), customer_id=foreign.customer_id))


def of_quantity(quantity: str, wallet: Wallet) -> None:
    charge(wallet, an_event(wallet, quantity))


def in_the_future(wallet: Wallet) -> None:
    charge(wallet, an_event(wallet, occurred_at=now() + timedelta(minutes=6)))


def before_any_price(wallet: Wallet) -> None:
    charge(wallet, an_event(wallet, occurred_at=LONG_AGO - timedelta(seconds=1)))


def of_an_unknown_meter(wallet: Wallet) -> None:
    charge(wallet, an_event(wallet, meter="teleportations"))


def after_a_freeze(wallet: Wallet) -> None:
    charge(wallet, "1")
    charge(frozen(wallet), "1")


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (of_nobody, WalletNotFoundError),
        (from_another_reseller, WalletNotFoundError),
        (in_the_future, FutureUsageError),
        (before_any_price, NoPriceError),
        (of_an_unknown_meter, NoPriceError),
        (after_a_freeze, WalletFrozenError),
        (partial(of_quantity, "0"), BadQuantityError),
        (partial(of_quantity, "-1"), BadQuantityError),
        (partial(of_quantity, "NaN"), BadQuantityError),
        (partial(of_quantity, "0.0000001"), BadQuantityError),
        (partial(of_quantity, "1000000001"), BadQuantityError),
        (partial(of_quantity, "1000000000"), InsufficientFundsError),
    ],
)
def test_a_charge_that_is_refused_moves_no_money(
    act: Callable[[Wallet], None], refusal: type[AppError]
) -> None:
    wallet = a_wallet(1_000)

    with pytest.raises(refusal):
        act(wallet)

    assert funds_of(wallet) == (999 if act is after_a_freeze else 1_000)


def test_a_meters_clock_may_run_five_minutes_ahead() -> None:
    wallet = a_wallet(1_000)

    made = charge(wallet, an_event(wallet, "1", occurred_at=now() + timedelta(minutes=4)))

    assert made.replayed is False


def test_a_reseller_without_an_agreement_charges_nothing() -> None:
    reseller = a_reseller()
    with transaction(PLATFORM) as session:
        sell_offer(
            session,
            PLATFORM,
            reseller_id=reseller.id,
            offer_id=an_offer().id,
            valid_from=LONG_AGO,
        )
    wallet = a_wallet(1_000, reseller=reseller)

    with pytest.raises(NoAgreementError):
        charge(wallet)


def test_the_wallet_in_the_offers_currency_pays() -> None:
    reseller = a_priced_reseller(offer=an_offer(currency="USD"))
    customer = a_customer(reseller)
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        euros = open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        dollars = open_wallet(session, scope, customer_id=customer.id, currency="USD")
    a_settled_top_up(euros)
    a_settled_top_up(dollars)

    made = charge(dollars, "100")

    assert made.gross == Money(100, "USD")
    assert (funds_of(euros), funds_of(dollars)) == (1_000, 900)


def test_a_frozen_wallet_is_charged_again_when_somebody_has_looked() -> None:
    wallet = frozen(a_wallet(1_000))
    with transaction(PLATFORM) as session:
        session.execute(update(Wallet).where(Wallet.id == wallet.id).values(state="active"))

    charge(wallet, "100")

    assert funds_of(wallet) == 900


@pytest.mark.parametrize("terms", ["kept", "read again"])
def test_c3_a_repeated_event_of_a_frozen_wallet_gets_its_first_answer(terms: str) -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "100")
    first = charge(wallet, event)
    frozen(wallet)
    if terms == "read again":
        billing_terms._kept.clear()

    again = charge(wallet, event)

    assert again == replace(first, replayed=True)
    with pytest.raises(WalletFrozenError):
        charge(wallet, "1")
    with pytest.raises(EventIdReusedError):
        charge(wallet, replace(event, quantity=Decimal(101)))
    assert funds_of(wallet) == 900
