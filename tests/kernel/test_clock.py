from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.kernel import now, start_of_business_month
from app.kernel.clock import BUSINESS_ZONE

TIMES = st.integers(min_value=0, max_value=2**32).map(lambda at: datetime.fromtimestamp(at, UTC))


@given(at=TIMES)
def test_a_business_month_starts_at_midnight_of_the_first_in_berlin(at: datetime) -> None:
    start = start_of_business_month(at)

    local = start.astimezone(BUSINESS_ZONE)
    assert (local.day, local.hour, local.minute, local.second) == (1, 0, 0, 0)
    assert start <= at < start + timedelta(days=32)
    assert start_of_business_month(start) == start
    assert start_of_business_month(start - timedelta(seconds=1)) < start


def test_the_last_hour_of_a_utc_month_belongs_to_berlins_next_month() -> None:
    start = start_of_business_month(datetime(2026, 6, 30, 23, 30, tzinfo=UTC))

    assert start == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)


def test_the_present_is_aware_and_in_utc() -> None:
    assert now().utcoffset() == timedelta(0)
