from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import Money
from app.pricing import (
    BadPriceError,
    BadQuantityError,
    BadTaxRateError,
    CreditPurpose,
    Tariff,
    rate,
    tax_within,
)
from app.pricing.rules import require_tax_rate, require_unit_price

QUANTITIES = st.decimals(
    min_value=Decimal("0.000001"), max_value=Decimal(10) ** 9, places=6, allow_nan=False
)
UNIT_PRICES = st.decimals(min_value=0, max_value=Decimal(10) ** 6, places=6, allow_nan=False)
TAX_RATES = st.decimals(min_value=0, max_value=Decimal("0.9999"), places=4, allow_nan=False)
GROSS = st.integers(min_value=0, max_value=10**17)
CURRENCIES = st.sampled_from(["EUR", "USD", "GBP"])


def a_tariff(
    unit_price: Decimal = Decimal("0.19"),
    tax_rate: Decimal = Decimal("0.19"),
    currency: str = "EUR",
) -> Tariff:
    return Tariff(UUID(int=1), unit_price, currency, tax_rate, CreditPurpose.SINGLE)


@given(price=UNIT_PRICES, quantity=QUANTITIES, tax_rate=TAX_RATES, currency=CURRENCIES)
def test_a_quote_adds_up_and_nothing_in_it_is_negative(
    price: Decimal, quantity: Decimal, tax_rate: Decimal, currency: str
) -> None:
    quote = rate(a_tariff(price, tax_rate, currency), quantity)

    assert quote.gross == quote.net + quote.tax
    assert min(quote.gross.minor, quote.net.minor, quote.tax.minor) >= 0
    assert {quote.gross.currency, quote.net.currency, quote.tax.currency} == {currency}


@given(price=UNIT_PRICES, quantity=QUANTITIES)
def test_the_gross_is_the_exact_product_rounded_half_up_once(
    price: Decimal, quantity: Decimal
) -> None:
    exact = Fraction(price) * Fraction(quantity) * 100

    quote = rate(a_tariff(price), quantity)

    assert quote.gross.minor == (exact + Fraction(1, 2)).__floor__()
    assert quote.gross.minor < 2**63


@given(price=UNIT_PRICES, tax_rate=TAX_RATES, one=QUANTITIES, other=QUANTITIES)
def test_more_never_costs_less_nor_owes_less_tax(
    price: Decimal, tax_rate: Decimal, one: Decimal, other: Decimal
) -> None:
    tariff, less, more = a_tariff(price, tax_rate), min(one, other), max(one, other)

    small, great = rate(tariff, less), rate(tariff, more)

    assert small.gross <= great.gross
    assert small.net <= great.net
    assert small.tax <= great.tax


@given(gross=GROSS, tax_rate=TAX_RATES)
def test_the_tax_within_is_exact_to_half_a_cent(gross: int, tax_rate: Decimal) -> None:
    exact_net = Fraction(gross) / (1 + Fraction(tax_rate))

    tax = tax_within(Money(gross, "EUR"), tax_rate)

    assert abs(gross - tax.minor - exact_net) <= Fraction(1, 2)
    assert 0 <= tax.minor <= gross


@given(gross=GROSS, tax_rate=TAX_RATES)
def test_one_cent_more_never_owes_less_tax(gross: int, tax_rate: Decimal) -> None:
    smaller = tax_within(Money(gross, "EUR"), tax_rate)
    greater = tax_within(Money(gross + 1, "EUR"), tax_rate)

    assert smaller <= greater <= smaller + Money(1, "EUR")


@given(gross=GROSS)
def test_without_a_rate_there_is_no_tax(gross: int) -> None:
    assert tax_within(Money(gross, "EUR"), Decimal(0)) == Money(0, "EUR")


@pytest.mark.parametrize(
    ("quantity", "gross", "net", "tax"),
    [
        ("10", 190, 160, 30),
        ("1", 19, 16, 3),
        # 0.19 * 0.026316 = 0.5 cents: half goes up.
        ("0.026316", 1, 1, 0),
        ("0.026315", 0, 0, 0),
        ("1.5", 29, 24, 5),
    ],
)
def test_nineteen_cents_a_minute(quantity: str, gross: int, net: int, tax: int) -> None:
    quote = rate(a_tariff(), Decimal(quantity))

    assert (quote.gross.minor, quote.net.minor, quote.tax.minor) == (gross, net, tax)


@pytest.mark.parametrize(
    "quantity",
    [
        "0",
        "-1",
        "NaN",
        "sNaN",
        "Infinity",
        "0.0000001",
        "1000000000.000001",
        "1.0000000000000000000000000000000000001",
    ],
)
def test_a_quantity_that_cannot_be_counted_is_refused(quantity: str) -> None:
    with pytest.raises(BadQuantityError):
        rate(a_tariff(), Decimal(quantity))


@pytest.mark.parametrize("price", ["-0.01", "0.0000001", "1000000.01", "NaN", "Infinity"])
def test_a_price_out_of_reason_is_refused(price: str) -> None:
    with pytest.raises(BadPriceError):
        require_unit_price(Decimal(price))


@pytest.mark.parametrize("tax_rate", ["-0.01", "1", "19", "0.00001", "NaN"])
def test_a_tax_rate_out_of_reason_is_refused(tax_rate: str) -> None:
    with pytest.raises(BadTaxRateError):
        require_tax_rate(Decimal(tax_rate))
