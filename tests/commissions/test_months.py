"""A month divided among the resellers of a tree: to the cent, whatever the order."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions import Agreement, Basis, Step, month_of, next_month, starts_at
from app.commissions.months import NOTHING_AGREED, Member, Segment, cut, divide_month, earned
from app.commissions.tiers import is_within
from tests.commissions.agreed import AGREEMENTS, an_agreement

START = datetime(2026, 3, 1, tzinfo=UTC)
PARTS = 3
FACTORS = st.sampled_from([Decimal(0), Decimal("0.4"), Decimal("0.9"), Decimal(1)])


@dataclass(frozen=True)
class Tree:
    """Resellers by the place of their parent, their agreements by part of the month, charges."""

    parents: list[int | None]
    agreements: list[list[Agreement]]
    charges: list[tuple[int, int, int]]


def below(agreement: Agreement, factor: Decimal, basis: Basis) -> Agreement:
    """An agreement that its parent can pass on."""
    if basis is Basis.WHOLE and agreement.basis is Basis.MARGINAL:
        reached = cut_rate(agreement.rate, factor)
        return Agreement(cut_rate(reached, factor), (Step(100, reached),), basis)
    steps = tuple(Step(s.above_minor, cut_rate(s.rate, factor)) for s in agreement.steps)
    return Agreement(cut_rate(agreement.rate, factor), steps, basis)


def cut_rate(rate: Decimal, factor: Decimal) -> Decimal:
    return (rate * factor).quantize(Decimal("0.000001"), rounding="ROUND_FLOOR")


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Up to seven resellers; each agrees anew in each part of the month, within its parent's."""
    count = draw(st.integers(1, 7))
    parents: list[int | None] = [None]
    agreements = [draw(st.lists(AGREEMENTS, min_size=PARTS, max_size=PARTS))]
    for number in range(1, count):
        parent = draw(st.none() | st.integers(0, number - 1))
        parents.append(parent)
        agreements.append(
            draw(st.lists(AGREEMENTS, min_size=PARTS, max_size=PARTS))
            if parent is None
            else [
                below(above, draw(FACTORS), draw(st.sampled_from(Basis)))
                for above in agreements[parent]
            ]
        )
    charge = st.tuples(st.integers(0, count - 1), st.integers(0, PARTS - 1), st.integers(1, 10_000))
    return Tree(parents, agreements, draw(st.lists(charge, max_size=25)))


def members_of(tree: Tree, charges: list[tuple[int, int, int]]) -> list[Member]:
    volumes = [[0] * PARTS for _ in tree.parents]
    for book, part, minor in charges:
        place: int | None = book
        while place is not None:
            volumes[place][part] += minor
            place = tree.parents[place]
    return [
        Member(
            UUID(int=number + 1),
            None if parent is None else UUID(int=parent + 1),
            [
                Segment(START, agreement, volume)
                for agreement, volume in zip(agreed, sold, strict=True)
            ],
        )
        for number, (parent, agreed, sold) in enumerate(
            zip(tree.parents, tree.agreements, volumes, strict=True)
        )
    ]


@given(tree=trees())
def test_resellers_and_platform_share_exactly_the_volume_and_nobody_less_than_nothing(
    tree: Tree,
) -> None:
    members = members_of(tree, tree.charges)

    outcomes = divide_month(members)

    volume = sum(minor for _, _, minor in tree.charges)
    tops = [outcomes[m.reseller_id].total for m in members if m.parent_id is None]
    platform = volume - sum(tops)
    assert platform + sum(outcome.kept for outcome in outcomes.values()) == volume
    assert platform >= 0
    assert all(outcome.kept >= 0 for outcome in outcomes.values())


@given(tree=trees(), data=st.data())
def test_order_and_grouping_of_charges_do_not_matter(tree: Tree, data: st.DataObject) -> None:
    cents = st.integers(0, 10_000)
    split = [
        (book, part, piece)
        for book, part, minor in data.draw(st.permutations(tree.charges))
        for first in [min(data.draw(cents), minor)]
        for piece in (first, minor - first)
    ]

    assert divide_month(members_of(tree, split)) == divide_month(members_of(tree, tree.charges))


@given(tree=trees(), data=st.data())
def test_the_order_of_the_members_does_not_matter(tree: Tree, data: st.DataObject) -> None:
    members = members_of(tree, tree.charges)

    shuffled = data.draw(st.permutations(members))

    assert divide_month(shuffled) == divide_month(members)


@given(agreed=st.lists(AGREEMENTS, min_size=1, max_size=4), data=st.data())
def test_marginal_segments_are_the_integral_of_their_own_steps(
    agreed: list[Agreement], data: st.DataObject
) -> None:
    sold = [data.draw(st.integers(0, 120)) for _ in agreed]
    marginal = [Agreement(each.rate, each.steps) for each in agreed]

    exact, cent = Fraction(0), 0
    for agreement, volume in zip(marginal, sold, strict=True):
        for _ in range(volume):
            cent += 1
            rates = [agreement.rate, *(s.rate for s in agreement.steps if cent > s.above_minor)]
            exact += Fraction(rates[-1])

    segments = [Segment(START, each, volume) for each, volume in zip(marginal, sold, strict=True)]
    assert earned(segments) == exact.numerator // exact.denominator


def test_whole_segments_are_paid_by_the_step_that_the_whole_month_reached() -> None:
    agreement = an_agreement("0.10", (100, "0.20"), basis=Basis.WHOLE)
    other = an_agreement("0.30", (100, "0.50"), basis=Basis.WHOLE)

    assert earned([Segment(START, agreement, 60), Segment(START, other, 60)]) == 12 + 30


def test_a_fraction_of_a_cent_is_rounded_down_once_a_month_not_once_a_charge() -> None:
    third = an_agreement("0.333333")

    assert earned([Segment(START, third, 3_000_000)]) == 999_999


@given(parent=AGREEMENTS, factor=FACTORS, basis=st.sampled_from(Basis))
def test_every_generated_child_is_within_its_parent(
    parent: Agreement, factor: Decimal, basis: Basis
) -> None:
    assert is_within(below(parent, factor, basis), parent)


def test_a_month_without_change_has_one_segment_from_its_first_instant() -> None:
    agreement = an_agreement("0.25")

    assert cut({datetime(2020, 1, 1, tzinfo=UTC): agreement}, date(2026, 3, 1)) == [
        (datetime(2026, 2, 28, 23, tzinfo=UTC), agreement)
    ]


def test_a_change_cuts_the_month_and_one_before_the_first_agreement_earns_nothing() -> None:
    first, second = an_agreement("0.25"), an_agreement("0.30")
    agreed = {datetime(2026, 3, 5, tzinfo=UTC): first, datetime(2026, 3, 9, tzinfo=UTC): second}

    cuts = cut(agreed, date(2026, 3, 1))

    assert [agreement for _, agreement in cuts] == [NOTHING_AGREED, first, second]
    assert all(early < late for (early, _), (late, _) in pairwise(cuts))


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-03-31T21:59:59+00:00", date(2026, 3, 1)),
        ("2026-03-31T22:00:00+00:00", date(2026, 4, 1)),
        ("2026-12-31T22:59:59+00:00", date(2026, 12, 1)),
        ("2026-12-31T23:00:00+00:00", date(2027, 1, 1)),
    ],
)
def test_a_month_begins_at_midnight_in_berlin(at: str, month: date) -> None:
    assert month_of(datetime.fromisoformat(at)) == month
    assert starts_at(month) <= datetime.fromisoformat(at) < starts_at(next_month(month))
