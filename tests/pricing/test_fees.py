from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.kernel import CurrencyMismatchError, Money, new_id, transaction
from app.pricing import (
    BadFeeError,
    CreditPurpose,
    DateTakenError,
    FeeTerms,
    Offer,
    UnknownFeeError,
    UnknownOfferError,
    fee_at,
    sell_offer,
    set_fee,
)
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import LONG_AGO, a_priced_reseller, an_offer

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LATER = LONG_AGO + timedelta(days=31)


def fee(offer: Offer, minor: int = 990, valid_from: datetime = LONG_AGO, **changed: Any) -> None:  # noqa: ANN401 - passed on
    facts = {
        "offer_id": offer.id,
        "fee": "base",
        "name": "Grundgebühr",
        "amount": Money(minor, "EUR"),
        "months": 1,
        **changed,
    }
    with transaction(SCOPE) as session:
        set_fee(session, SCOPE, valid_from=valid_from, **facts)


def terms(reseller: Tenant, at: datetime) -> FeeTerms:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return fee_at(session, scope, fee="base", at=at)


def test_a_fee_is_that_of_the_offer_sold_at_the_time_with_its_tax() -> None:
    offer = an_offer(tax_rate="0.07", purpose=CreditPurpose.MULTI)
    reseller = a_priced_reseller(offer=offer)
    fee(offer, 990)
    fee(offer, 2_490, LATER, months=3)

    before, after = (terms(reseller, at) for at in (LATER - timedelta(microseconds=1), LATER))

    assert (before.amount, before.months) == (Money(990, "EUR"), 1)
    assert (after.amount, after.months, after.name) == (Money(2_490, "EUR"), 3, "Grundgebühr")
    assert (after.tax_rate, after.credit_purpose) == (Decimal("0.07"), CreditPurpose.MULTI)
    assert before.id != after.id


def test_another_offer_has_other_fees() -> None:
    offer, other = an_offer(), an_offer()
    reseller = a_priced_reseller(offer=offer)
    fee(offer)
    with transaction(SCOPE) as session:
        sell_offer(session, SCOPE, reseller_id=reseller.id, offer_id=other.id, valid_from=LATER)

    with pytest.raises(UnknownFeeError):
        terms(reseller, LATER)

    assert terms(reseller, LONG_AGO).amount == Money(990, "EUR")


def test_a_fee_that_does_not_hold_yet_or_of_nothing_sold_is_unknown() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    fee(offer, valid_from=LATER)

    with pytest.raises(UnknownFeeError):
        terms(reseller, LONG_AGO)
    with pytest.raises(UnknownFeeError):
        terms(a_reseller(), LATER)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"fee": "Base fee"}, BadFeeError),
        ({"fee": ""}, BadFeeError),
        ({"name": " "}, BadFeeError),
        ({"amount": Money(-1, "EUR")}, BadFeeError),
        ({"amount": Money(10**8 + 1, "EUR")}, BadFeeError),
        ({"months": 2}, BadFeeError),
        ({"amount": Money(990, "USD")}, CurrencyMismatchError),
        ({"offer_id": new_id()}, UnknownOfferError),
    ],
)
def test_a_bad_fee_is_refused_and_leaves_no_row(
    connected: Database, changed: dict[str, Any], refusal: type[Exception]
) -> None:
    offer = an_offer()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        fee(offer, **changed)

    assert rows_of_all_tables(connected.owner_url) == before


def test_a_fee_never_changes_on_a_date_it_has() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    fee(offer, 990)

    with pytest.raises(DateTakenError):
        fee(offer, 1_990)

    assert terms(reseller, LATER).amount == Money(990, "EUR")
