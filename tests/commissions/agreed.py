"""Agreements with steps, in a few words and at random."""

from decimal import Decimal

from hypothesis import strategies as st

from app.commissions import Agreement, Basis, Step

RATES = st.decimals(min_value=0, max_value=1, places=6, allow_nan=False)
VOLUMES = st.integers(0, 10**9) | st.integers(0, 400)
# Thresholds small enough that a test may go from cent to cent.
_THRESHOLDS = st.lists(st.integers(1, 300), max_size=4, unique=True).map(sorted)


def an_agreement(rate: str, *steps: tuple[int, str], basis: Basis = Basis.MARGINAL) -> Agreement:
    return Agreement(
        Decimal(rate), tuple(Step(above, Decimal(share)) for above, share in steps), basis
    )


@st.composite
def _agreements(draw: st.DrawFn) -> Agreement:
    thresholds = draw(_THRESHOLDS)
    count = len(thresholds) + 1
    rates = sorted(draw(st.lists(RATES, min_size=count, max_size=count)))
    steps = tuple(Step(above, rate) for above, rate in zip(thresholds, rates[1:], strict=True))
    return Agreement(rates[0], steps, draw(st.sampled_from(Basis)))


AGREEMENTS = _agreements()
