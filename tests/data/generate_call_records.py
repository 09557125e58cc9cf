"""Write `call_records.csv`: six weeks of telephone usage of seventeen small offices, invented.

Run `python -m tests.data.generate_call_records`. The same seed gives the same file, byte for byte.
Arrivals are a Poisson process whose rate follows the hour and the weekday; a duration is
log-normal, as those of telephone calls about are. Numbers come from ranges that are never
assigned to anybody (see README.md beside this file).
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from random import Random

SEED = 20_260_105
WEEKS = 6
FILE = Path(__file__).with_name("call_records.csv")
COLUMNS = ("customer", "offset_seconds", "meter", "quantity", "counterparty")

# How busy an hour of a working day is; people start at eight, eat at noon and are home by six.
HOURS = (
    0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.12, 0.45, 1.00, 1.60, 1.85, 1.55,
    0.65, 1.05, 1.60, 1.50, 1.25, 0.80, 0.40, 0.25, 0.18, 0.12, 0.07, 0.04,
)  # fmt: skip
# Monday to Sunday.
DAYS = (1.15, 1.05, 1.00, 1.00, 0.85, 0.20, 0.08)
# Records of an average customer on an average working day.
RECORDS_A_DAY = 3.0

MESSAGES = 0.22
MEDIAN_MINUTES, SPREAD = 1.6, 0.9
SHORTEST, LONGEST = 0.05, 45.0
REGULARS, REGULAR_SHARE = 14, 0.7

# Customers of the offices and how much each telephones; `de` speaks to Germany, `gb` to Britain.
CUSTOMERS = {
    "de-01": 2.6, "de-02": 0.9, "de-03": 1.2, "de-04": 0.6, "de-05": 1.0, "de-06": 0.9,
    "de-07": 0.9, "de-08": 0.6, "de-09": 0.7, "de-10": 0.8, "de-11": 0.7,
    "gb-01": 2.4, "gb-02": 1.1, "gb-03": 0.8, "gb-04": 0.5, "gb-05": 0.9, "gb-06": 0.8,
}  # fmt: skip

# What stands before the last digits, and how many those are.
RESERVED = {
    "de": (
        ("+493023125", 3), ("+494066969", 3), ("+492214710", 3), ("+496990009", 3),
        ("+498999998", 3), ("+4917139200", 2), ("+49176040690", 2),
    ),
    "gb": (
        ("+442079460", 3), ("+441614960", 3), ("+441174960", 3), ("+447700900", 3),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One call or message; the offset counts from Monday, midnight, by the clock on the wall."""

    customer: str
    offset_seconds: int
    meter: str
    quantity: str
    counterparty: str


def generate(seed: int = SEED) -> list[Row]:
    """Return all rows in the order of time."""
    rows: list[Row] = []
    for customer, weight in CUSTOMERS.items():
        # A stream of its own: one more customer changes nobody else's records.
        random = Random(f"{seed}:{customer}")
        regulars = [_number(random, customer[:2]) for _ in range(REGULARS)]
        rows.extend(_usage(random, customer, weight, regulars))
    return sorted(rows, key=lambda row: (row.offset_seconds, row.customer))


def as_csv(rows: list[Row]) -> str:
    """Return the file's text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    return text.getvalue()


def _usage(random: Random, customer: str, weight: float, regulars: list[str]) -> Iterator[Row]:
    for start in _arrivals(random, weight):
        counterparty = (
            random.choice(regulars)
            if random.random() < REGULAR_SHARE
            else _number(random, customer[:2])
        )
        if random.random() < MESSAGES:
            yield Row(customer, start, "messages", "1", counterparty)
        else:
            minutes = random.lognormvariate(log(MEDIAN_MINUTES), SPREAD)
            shown = f"{min(max(minutes, SHORTEST), LONGEST):.2f}"
            yield Row(customer, start, "call_minutes", shown, counterparty)


def _arrivals(random: Random, weight: float) -> Iterator[int]:
    """Yield the seconds at which something happens, hour by hour."""
    scale = weight * RECORDS_A_DAY / sum(HOURS)
    for day in range(7 * WEEKS):
        for hour, busy in enumerate(HOURS):
            rate = busy * DAYS[day % 7] * scale
            moment = random.expovariate(rate)
            while moment < 1:
                yield day * 86_400 + hour * 3_600 + int(moment * 3_600)
                moment += random.expovariate(rate)


def _number(random: Random, country: str) -> str:
    start, digits = random.choice(RESERVED[country])
    return f"{start}{random.randrange(10**digits):0{digits}}"


if __name__ == "__main__":
    FILE.write_text(as_csv(generate()), encoding="utf-8")
