"""The usage file, and what its clock means on a calendar."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from app.cli.configuration import PROJECT

FILE = PROJECT / "tests" / "data" / "call_records.csv"
# The offices of the file keep German hours.
ZONE = ZoneInfo("Europe/Berlin")
WEEKS_OF_HISTORY = 5


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One call or message of the file; `offset` counts seconds from a Monday's midnight."""

    customer: str
    offset: int
    meter: str
    quantity: Decimal
    counterparty: str


def read_usage(file: Path = FILE) -> list[UsageRow]:
    """Return the rows of the usage file, in the order of time."""
    with file.open(encoding="utf-8", newline="") as source:
        return [
            UsageRow(
                row["customer"],
                int(row["offset_seconds"]),
                row["meter"],
                Decimal(row["quantity"]),
                row["counterparty"],
            )
            for row in csv.DictReader(source)
        ]


def first_monday(now: datetime) -> date:
    """Return the Monday on which the history begins: some whole weeks before this one."""
    today = now.astimezone(ZONE).date()
    return today - timedelta(days=today.weekday(), weeks=WEEKS_OF_HISTORY)


def moment(monday: date, offset: int) -> datetime:
    """Return when an offset of the file is, by the clock on the wall, in UTC."""
    wall = datetime.combine(monday, time()) + timedelta(seconds=offset)
    return wall.replace(tzinfo=ZONE).astimezone(UTC)


def rows_until(rows: Sequence[UsageRow], monday: date, now: datetime) -> list[UsageRow]:
    """Return the rows that lie in the past when the file begins on `monday`."""
    return [row for row in rows if moment(monday, row.offset) < now]
