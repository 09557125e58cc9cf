"""Usage as it is told: what is read as an event can also be stored and answered (C12)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import MalformedUsageError, Reported, ReportedUsage, Result, read_reported
from tests.factories.money import METER

SENT: dict[object, object] = {
    "id": "event-1", "meter": METER, "quantity": "1", "subject": "line:1",
    "occurred_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def refused_fields(reported: Reported) -> list[str]:
    """The fields for which an event was refused as malformed."""
    assert isinstance(reported, Result)
    assert isinstance(reported.outcome, MalformedUsageError)
    errors = reported.outcome.facts["errors"]
    assert isinstance(errors, list)
    return [each["field"] for each in errors]


@given(
    at=st.datetimes(min_value=datetime(2000, 1, 3), max_value=datetime(9999, 12, 29)),  # noqa: DTZ001 - the offset is added
    minutes=st.integers(-(24 * 60 - 1), 24 * 60 - 1),
)
def test_law_a_time_of_use_is_kept_in_utc_whatever_its_offset(at: datetime, minutes: int) -> None:
    """PostgreSQL reads no offset of 16 hours or more."""
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)

    event = read_reported(SENT | {"occurred_at": f"{at.isoformat()}{sign}{hours:02}:{rest:02}"})

    assert isinstance(event, ReportedUsage)
    assert event.occurred_at.tzinfo is UTC
    assert event.occurred_at == at.replace(tzinfo=UTC) - timedelta(minutes=minutes)


def test_a_time_beyond_the_end_of_the_calendar_is_malformed() -> None:
    event = read_reported(SENT | {"occurred_at": "9999-12-31T23:59:59-23:59"})

    assert refused_fields(event) == ["occurred_at"]


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x" * 121, "é", "\ud800", 7, None, ["x"]])
def test_an_id_that_is_none_is_not_repeated(name: object) -> None:
    event = read_reported(SENT | {"id": name})

    assert refused_fields(event) == ["id"]
    assert isinstance(event, Result)
    assert event.event_id is None


def test_the_id_of_a_malformed_event_is_repeated() -> None:
    event = read_reported(SENT | {"quantity": "-1"})

    assert isinstance(event, Result)
    assert event.event_id == "event-1"


@pytest.mark.parametrize("name", ["ok", "\ud800"])
def test_half_a_letter_in_the_name_of_a_field_is_not_repeated_either(name: str) -> None:
    event = read_reported({"id": name, "\ud800": "red"})

    assert refused_fields(event) == ["body"]
    assert isinstance(event, Result)
    assert event.event_id == (name if name == "ok" else None)
