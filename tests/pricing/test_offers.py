from datetime import timedelta
from decimal import Decimal

import pytest

from app.kernel import UnknownCurrencyError, now, transaction
from app.pricing import (
    BadPriceError,
    BadTaxRateError,
    CreditPurpose,
    DateTakenError,
    NothingSoldError,
    UnknownOfferError,
    add_offer,
    get_offer,
    sell_offer,
    set_price,
    tax_terms,
)
from app.tenancy import PlatformScope
from tests.factories import a_reseller, scope_of, unique
from tests.factories.money import (
    LONG_AGO,
    METER,
    a_priced_reseller,
    a_wallet,
    an_offer,
    charge,
)

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()


def add(*, currency: str = "EUR", tax_rate: str = "0.19") -> None:
    with transaction(SCOPE) as session:
        add_offer(
            session,
            SCOPE,
            slug=unique("offer"),
            currency=currency,
            tax_rate=Decimal(tax_rate),
            credit_purpose=CreditPurpose.SINGLE,
        )


def test_an_offer_is_found_by_its_slug() -> None:
    offer = an_offer(tax_rate="0.07")

    with transaction(SCOPE) as session:
        found = get_offer(session, SCOPE, slug=offer.slug)

    assert (found.id, found.tax_rate) == (offer.id, Decimal("0.0700"))


def test_an_unknown_offer_is_refused() -> None:
    with transaction(SCOPE) as session, pytest.raises(UnknownOfferError):
        get_offer(session, SCOPE, slug=unique("nobodys"))


def test_an_offer_in_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        add(currency="XAU")


def test_an_offer_with_a_percentage_for_a_rate_is_refused() -> None:
    with pytest.raises(BadTaxRateError):
        add(tax_rate="19")


def test_a_negative_price_is_refused() -> None:
    offer = an_offer()

    with transaction(SCOPE) as session, pytest.raises(BadPriceError):
        set_price(
            session,
            SCOPE,
            offer_id=offer.id,
            meter=METER,
            unit_price=Decimal("-0.01"),
            valid_from=now(),
        )


def test_terms_of_tax_are_those_of_the_offer_sold_at_the_time() -> None:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0.19"))
    later = an_offer(tax_rate="0.07", currency="USD", purpose=CreditPurpose.MULTI)
    with transaction(SCOPE) as session:
        sell_offer(session, SCOPE, reseller_id=reseller.id, offer_id=later.id, valid_from=now())

    with transaction(scope_of(reseller)) as session:
        before = tax_terms(session, scope_of(reseller), at=LONG_AGO)
        after = tax_terms(session, scope_of(reseller), at=now() + timedelta(seconds=1))

    assert before == ("EUR", Decimal("0.1900"), CreditPurpose.SINGLE)
    assert after == ("USD", Decimal("0.0700"), CreditPurpose.MULTI)


def test_a_reseller_without_an_offer_sells_nothing() -> None:
    scope = scope_of(a_reseller())

    with transaction(scope) as session, pytest.raises(NothingSoldError):
        tax_terms(session, scope, at=now())


def test_a_second_price_or_offer_from_the_same_date_is_refused_and_the_first_one_holds() -> None:
    offer, other = an_offer(unit_price="0.19"), an_offer()
    reseller = a_priced_reseller(offer=offer)

    with pytest.raises(DateTakenError), transaction(SCOPE) as session:
        set_price(
            session,
            SCOPE,
            offer_id=offer.id,
            meter=METER,
            unit_price=Decimal("0.29"),
            valid_from=LONG_AGO,
        )
    with pytest.raises(DateTakenError), transaction(SCOPE) as session:
        sell_offer(session, SCOPE, reseller_id=reseller.id, offer_id=other.id, valid_from=LONG_AGO)

    wallet = a_wallet(1_000, reseller=reseller)
    assert charge(wallet, "10").gross.minor == 190
