"""Agreements as step functions of the month's volume."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions import Agreement, Basis, RateRefusedError, Step, StepsRefusedError
from app.commissions.tiers import UNIT, capped, is_within, require_agreement
from tests.commissions.agreed import AGREEMENTS, VOLUMES, an_agreement

RISING = an_agreement("0.25", (500_000, "0.275"), (2_000_000, "0.325"))


def paid(agreement: Agreement, since: int, until: int) -> Fraction:
    parts = agreement.slices(since, until, until)
    return Fraction(sum(part.earned for part in parts), UNIT)


def rate_of_cent(agreement: Agreement, number: int) -> Fraction:
    """What the n-th cent of a month earns, counted from 1: straight from the words of the rule."""
    rates = [agreement.rate, *(s.rate for s in agreement.steps if number > s.above_minor)]
    return Fraction(rates[-1])


@given(agreement=AGREEMENTS, volume=st.integers(0, 400))
def test_marginal_pays_every_cent_by_the_step_it_lies_in(agreement: Agreement, volume: int) -> None:
    marginal = Agreement(agreement.rate, agreement.steps)

    exact = sum((rate_of_cent(marginal, cent) for cent in range(1, volume + 1)), Fraction(0))

    assert paid(marginal, 0, volume) == exact


@given(agreement=AGREEMENTS, volume=VOLUMES)
def test_whole_pays_all_by_the_step_that_the_month_reached(
    agreement: Agreement, volume: int
) -> None:
    whole = Agreement(agreement.rate, agreement.steps, Basis.WHOLE)

    assert paid(whole, 0, volume) == volume * rate_of_cent(whole, volume)


@given(agreement=AGREEMENTS, cuts=st.lists(VOLUMES, min_size=1, max_size=5).map(sorted))
def test_it_does_not_matter_where_a_month_is_cut(agreement: Agreement, cuts: list[int]) -> None:
    edges = [0, *cuts]

    parts = [
        part.earned
        for since, until in zip(edges, cuts, strict=False)
        for part in agreement.slices(since, until, cuts[-1])
    ]

    assert sum(parts) == paid(agreement, 0, cuts[-1]) * UNIT


@given(agreement=AGREEMENTS, volume=VOLUMES, back=VOLUMES)
def test_what_is_taken_back_unpays_what_it_was_paid(
    agreement: Agreement, volume: int, back: int
) -> None:
    total = volume - back

    there, again = agreement.slices(0, volume, total), agreement.slices(volume, total, total)

    straight = agreement.slices(0, total, total)
    assert sum(part.earned for part in (*there, *again)) == sum(part.earned for part in straight)
    assert sum(part.volume for part in again) == -back


def test_the_example_of_the_requirement() -> None:
    parts = RISING.slices(0, 2_500_000, 2_500_000)

    assert [(part.above_minor, part.volume, part.earned // UNIT) for part in parts] == [
        (0, 500_000, 125_000),
        (500_000, 1_500_000, 412_500),
        (2_000_000, 500_000, 162_500),
    ]


@pytest.mark.parametrize(
    ("volume", "rate"),
    [(-1, "0.25"), (0, "0.25"), (500_000, "0.25"), (500_001, "0.275"), (10**9, "0.325")],
)
def test_a_step_holds_for_the_volume_above_it(volume: int, rate: str) -> None:
    assert RISING.rate_at(volume) == Decimal(rate)


@pytest.mark.parametrize(
    "steps",
    [
        [(0, "0.3")],
        [(-5, "0.3")],
        [(100, "0.3"), (100, "0.4")],
        [(200, "0.3"), (100, "0.4")],
        [(100, "0.2")],
        [(100, "0.4"), (200, "0.3")],
    ],
)
def test_steps_that_do_not_rise_are_refused(steps: Sequence[tuple[int, str]]) -> None:
    with pytest.raises(StepsRefusedError):
        require_agreement(an_agreement("0.25", *steps))


def test_a_step_with_a_rate_out_of_reason_is_refused() -> None:
    with pytest.raises(RateRefusedError):
        require_agreement(Agreement(Decimal("0.25"), (Step(1, Decimal("1.1")),)))


@given(child=AGREEMENTS, parent=AGREEMENTS, volume=st.integers(0, 5_000))
def test_a_child_within_its_parent_never_has_the_greater_rate(
    child: Agreement, parent: Agreement, volume: int
) -> None:
    if is_within(child, parent):
        assert child.rate_at(volume) <= parent.rate_at(volume)


def test_a_child_may_not_rise_before_its_parent() -> None:
    parent, early = an_agreement("0.25", (200, "0.30")), an_agreement("0.25", (100, "0.30"))

    assert not is_within(early, parent)
    assert is_within(parent, early)


def test_a_child_paid_on_the_whole_stays_within_the_base_of_a_parent_that_is_not() -> None:
    parent = an_agreement("0.25", (100, "0.30"))
    modest = an_agreement("0.20", (100, "0.25"), basis=Basis.WHOLE)
    greedy = an_agreement("0.20", (100, "0.26"), basis=Basis.WHOLE)

    assert is_within(modest, parent)
    assert not is_within(greedy, parent)


def test_a_rate_is_capped_by_those_above_it() -> None:
    rates = [Decimal(rate) for rate in ("0.25", "0.30", "0.10", "0.20")]

    assert capped(rates) == [Decimal(rate) for rate in ("0.25", "0.25", "0.10", "0.10")]
