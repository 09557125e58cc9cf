from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions import RateRefusedError, Term, flatten, share
from app.kernel import Money

CURRENCIES = st.sampled_from(["EUR", "USD", "GBP"])
NETS = st.integers(min_value=0, max_value=10**15)
RATES = st.decimals(min_value=0, max_value=1, places=6, allow_nan=False)
# Agreements of a chain, the topmost first: nobody passes on more than it gets.
CHAINS = st.lists(RATES, min_size=1, max_size=6).map(lambda rates: sorted(rates, reverse=True))


def a_path(depth: int) -> list[UUID]:
    return [UUID(int=number) for number in range(1, depth + 1)]


@given(net=NETS, currency=CURRENCIES, rates=CHAINS)
def test_the_shares_are_the_net_to_the_cent_and_none_is_negative(
    net: int, currency: str, rates: list[Decimal]
) -> None:
    terms = flatten(a_path(len(rates)), rates)

    shares = share(Money(net, currency), terms)

    amounts = [*(part.amount for part in shares.commissions), shares.revenue]
    assert sum(amount.minor for amount in amounts) == net
    assert all(amount.minor >= 0 and amount.currency == currency for amount in amounts)


@given(net=NETS, rates=CHAINS)
def test_the_remainder_of_rounding_is_the_platforms(net: int, rates: list[Decimal]) -> None:
    terms = flatten(a_path(len(rates)), rates)

    shares = share(Money(net, "EUR"), terms)

    exact = net * (1 - rates[0])
    assert exact <= shares.revenue.minor < exact + len(rates)
    for part, term in zip(shares.commissions, terms, strict=True):
        assert net * term.rate - 1 < part.amount.minor <= net * term.rate


@given(rates=CHAINS)
def test_a_chain_keeps_what_its_topmost_member_agreed(rates: list[Decimal]) -> None:
    terms = flatten(a_path(len(rates)), rates)

    assert sum(term.rate for term in terms) == rates[0]
    assert [term.beneficiary_id for term in terms] == a_path(len(rates))
    assert [term.rate for term in terms[:-1]] == [own - below for own, below in pairwise(rates)]
    assert terms[-1].rate == rates[-1]


@given(net=NETS, rates=CHAINS)
def test_a_higher_price_never_earns_anybody_less(net: int, rates: list[Decimal]) -> None:
    terms = flatten(a_path(len(rates)), rates)

    lower, higher = share(Money(net, "EUR"), terms), share(Money(net + 1, "EUR"), terms)

    for small, great in zip(lower.commissions, higher.commissions, strict=True):
        assert small.amount <= great.amount


@given(rates=st.lists(RATES, min_size=2, max_size=6).filter(lambda r: r != sorted(r)[::-1]))
def test_a_child_never_gets_more_than_its_parent(rates: list[Decimal]) -> None:
    with pytest.raises(RateRefusedError):
        flatten(a_path(len(rates)), rates)


@pytest.mark.parametrize("rate", ["-0.01", "1.000001", "0.0000001", "NaN", "Infinity"])
def test_a_rate_out_of_reason_is_refused(rate: str) -> None:
    with pytest.raises(RateRefusedError):
        flatten(a_path(1), [Decimal(rate)])


@pytest.mark.parametrize("rates", [["0.6", "0.5"], ["-0.1", "0.2"]])
def test_terms_that_take_more_than_the_whole_or_less_than_nothing_are_refused(
    rates: list[str],
) -> None:
    path = a_path(len(rates))
    terms = [Term(member, Decimal(rate)) for member, rate in zip(path, rates, strict=True)]

    with pytest.raises(RateRefusedError):
        share(Money(100, "EUR"), terms)


def test_a_quarter_of_the_net_is_split_by_agreements_and_the_cent_left_over_goes_up() -> None:
    terms = flatten(a_path(3), [Decimal("0.25"), Decimal("0.15"), Decimal("0.10")])

    shares = share(Money(159, "EUR"), terms)

    assert [part.amount.minor for part in shares.commissions] == [15, 7, 15]
    assert shares.revenue.minor == 122
