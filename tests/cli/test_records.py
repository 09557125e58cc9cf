from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from app.cli.demo.records import UsageRow, first_monday, moment, rows_until


def test_history_begins_on_a_monday_five_whole_weeks_back() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=UTC)

    begin = first_monday(friday)

    assert begin == date(2026, 10, 12)
    assert begin.weekday() == 0


def test_a_late_sunday_evening_in_berlin_is_already_monday() -> None:
    sunday_in_greenwich = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    begin = first_monday(sunday_in_greenwich)

    assert begin == date(2026, 11, 23) - timedelta(weeks=5)


def test_nine_o_clock_stays_nine_o_clock_when_summer_time_ends() -> None:
    nine = 9 * 3_600

    before, after = moment(date(2026, 10, 19), nine), moment(date(2026, 10, 26), nine)

    assert (before.hour, after.hour) == (7, 8)


def test_only_the_past_is_history() -> None:
    monday = date(2026, 11, 16)
    rows = [
        UsageRow("de-01", hour * 3_600, "messages", Decimal(1), "+493023125000")
        for hour in (8, 9, 10)
    ]

    past = rows_until(rows, monday, moment(monday, 9 * 3_600))

    assert past == rows[:1]
