"""Usage as its sender tells it, before anybody knows whose it is, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.billing.errors import MalformedUsageError
from app.billing.usage import Charge
from app.kernel import EXACT_JSON, AppError, refused_fields

EventId = Annotated[
    str, StringConstraints(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._:/-]+$")
]
_EVENT_ID: TypeAdapter[str] = TypeAdapter(EventId)
MeterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
# Control characters are no part of any name or number, and PostgreSQL stores no NUL.
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
PhoneNumber = Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=_PRINTABLE)]
SubjectName = Annotated[str, StringConstraints(min_length=2, max_length=120, pattern=_PRINTABLE)]
Quantity = Annotated[
    Decimal, Field(gt=0, le=10**9, max_digits=16, decimal_places=6, allow_inf_nan=False)
]


def _in_utc(at: datetime) -> datetime:
    """Return the same moment in UTC; PostgreSQL reads no offset of 16 hours or more."""
    try:
        return at.astimezone(UTC)
    except OverflowError as refused:
        raise PydanticCustomError(
            "time_range", "Input should be before the year 10000"
        ) from refused


# No usage is older than this century; a lone year or a small number is no time of use.
UsageTime = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC)), AfterValidator(_in_utc)
]


class NamedPayer(BaseModel):
    """What somebody pays for: the customer's id, or a line, agent or calendar of hers."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["customer_id"]}, {"required": ["subject"]}]},
    )

    customer_id: UUID | None = Field(default=None, description="either this or `subject`")
    subject: SubjectName | None = Field(
        default=None,
        description="the customer's line, agent or calendar, as of the time of use",
        examples=["line:+49301234567"],
    )

    @model_validator(mode="after")
    def _require_one_payer(self) -> Self:
        if (self.customer_id is None) == (self.subject is None):
            raise PydanticCustomError("one_payer", "Name either customer_id or subject")
        return self


class DeliveredUsage(BaseModel):
    """What was delivered, well formed, without a word of who pays for it.

    The same event has the same `id` for ever.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: EventId = Field(
        alias="id",
        description="your id of the event, without personal data; never reuse it",
        examples=["call-7f3a"],
    )
    meter: MeterName = Field(examples=["call_minutes"])
    quantity: Quantity = Field(
        description="in the meter's unit, at most six decimal places", examples=["3.5"]
    )
    occurred_at: UsageTime = Field(
        description="when it was used, with time zone", examples=["2026-11-20T09:15:00Z"]
    )
    counterparty: PhoneNumber | None = Field(
        default=None, description="the other party's number; masked on pages, deleted after a time"
    )


class ReportedUsage(NamedPayer, DeliveredUsage):
    """One usage event, well formed; `quantity` is in the meter's unit."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a reported event: its charge, or why it was refused.

    `event_id` is None where none could be read: what is no id of an event is not repeated.
    """

    event_id: str | None
    outcome: Charge | AppError


# One that was refused before it could be read as an event is passed on as it is.
Reported = ReportedUsage | Result


def read_reported(raw: object) -> Reported:
    """Return what was sent as an event; what is none has its refusal already."""
    try:
        return ReportedUsage.model_validate(raw)
    except ValidationError as refused:
        name = raw.get("id") if isinstance(raw, dict) else None
        return Result(_event_id(name), MalformedUsageError(errors=refused_fields(refused)))


def _event_id(name: object) -> str | None:
    """Return what is an id of an event; anything else might not even be writable."""
    try:
        return _EVENT_ID.validate_python(name)
    except ValidationError:
        return None


def read_reported_line(line: bytes) -> Reported:
    """Return a line of JSON as an event; what is none has its refusal already."""
    try:
        raw = EXACT_JSON.decode(line.decode())
    except (ValueError, RecursionError):
        return unreadable("Not a JSON object")
    return read_reported(raw)


def unreadable(reason: str) -> Result:
    """Return the refusal of something that is no event at all."""
    return Result(None, MalformedUsageError(errors=[{"field": "body", "reason": reason}]))
