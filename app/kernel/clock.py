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
