from collections import Counter
from collections.abc import Iterator
from statistics import median

import pytest

from app.cli.demo.cast import BRANDS
from app.cli.demo.records import read_usage
from tests.data.generate_call_records import FILE, RESERVED, WEEKS, Row, as_csv, generate

ROWS = generate()


def _hour(row: Row) -> int:
    return row.offset_seconds // 3_600 % 24


def _weekday(row: Row) -> int:
    return row.offset_seconds // 86_400 % 7


def _on_working_days() -> Iterator[Row]:
    return (row for row in ROWS if _weekday(row) < 5)


def test_the_file_is_what_the_generator_writes() -> None:
    written = FILE.read_text(encoding="utf-8")

    assert written == as_csv(generate())


def test_another_seed_gives_other_records() -> None:
    other = generate(seed=1)

    assert other != ROWS


def test_a_working_day_is_much_busier_than_a_day_of_the_weekend() -> None:
    days = Counter(_weekday(row) for row in ROWS)

    assert min(days[day] for day in range(5)) > 3 * max(days[5], days[6])


def test_people_eat_at_noon_and_sleep_at_night() -> None:
    hours = Counter(_hour(row) for row in _on_working_days())

    assert hours[12] < 0.6 * hours[10]
    assert hours[12] < 0.6 * hours[14]
    assert sum(hours[hour] for hour in range(6)) < 0.02 * hours.total()
    assert sum(hours[hour] for hour in range(8, 18)) > 0.8 * hours.total()


def test_most_calls_are_short_and_a_few_are_long() -> None:
    minutes = [float(row.quantity) for row in ROWS if row.meter == "call_minutes"]

    assert 1 < median(minutes) < 2.5
    assert 10 < max(minutes) <= 45
    assert min(minutes) > 0


def test_every_number_is_reserved_and_never_rings() -> None:
    starts = [start for ranges in RESERVED.values() for start, _ in ranges]

    unreserved = [row for row in ROWS if not row.counterparty.startswith(tuple(starts))]

    assert unreserved == []


@pytest.mark.parametrize(("start", "digits"), [pair for each in RESERVED.values() for pair in each])
def test_a_number_has_as_many_digits_as_its_range(start: str, digits: int) -> None:
    lengths = {len(row.counterparty) for row in ROWS if row.counterparty.startswith(start)}

    assert lengths == {len(start) + digits}


def test_the_file_covers_the_history_and_every_customer_of_the_demo() -> None:
    rows = read_usage()

    assert rows[-1].offset > (WEEKS * 7 - 3) * 86_400
    assert {row.customer for row in rows} == {
        office.records for brand in BRANDS for office in brand.offices
    }
