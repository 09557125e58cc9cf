from calendar import monthrange
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

# Months of commission and billing are months in Berlin (requirement C7).
BUSINESS_ZONE = ZoneInfo("Europe/Berlin")


def now() -> datetime:
    """Return the present as an aware UTC time."""
    return datetime.now(UTC)


def start_of_business_month(at: datetime) -> datetime:
    """Return the first instant, in UTC, of the Berlin month that holds `at` (aware)."""
    local = at.astimezone(BUSINESS_ZONE)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def business_month(at: datetime) -> date:
    """Return the first day of the Berlin month that holds `at` (aware)."""
    return at.astimezone(BUSINESS_ZONE).date().replace(day=1)


def months_later(at: datetime, months: int) -> datetime:
    """Return the same day and hour in Berlin so many months later, in UTC.

    From a day that the month does not have, its last one: counted from the first date each time, a
    31st is a 31st again in the next month that has one.
    """
    local = at.astimezone(BUSINESS_ZONE)
    years, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(UTC)
