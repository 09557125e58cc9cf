"""What requests and answers about holds look like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.rest.shapes import Amount
from app.billing import (
    DeliveredUsage,
    EventId,
    MeterName,
    NamedPayer,
    PlacedHold,
    PlannedUsage,
    Quantity,
    SubjectName,
)
from app.kernel import Money
from app.ledger import HoldState

_SHORTEST, _USUAL, _LONGEST = 60, 3_600, 86_400
_SECONDS = "from now, in seconds"


class AmountBody(BaseModel):
    """An exact amount in minor units (cents), more than zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minor: int = Field(gt=0, le=10**12, examples=[500])
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["EUR"])

    def money(self) -> Money:
        """Return the amount; refuses an unknown currency."""
        return Money(self.minor, self.currency)


class HoldBody(NamedPayer):
    """Credit to be kept back: an `amount`, or what `quantity` of `meter` would cost now.

    The same `id` is one hold, however often it is sent.
    """

    id: EventId = Field(description="your id of the hold; never reuse it", examples=["call-7f3a"])
    amount: AmountBody | None = Field(default=None, description="this, or meter and quantity")
    meter: MeterName | None = Field(default=None, examples=["call_minutes"])
    quantity: Quantity | None = Field(default=None, examples=["10"])
    expires_in: int = Field(_USUAL, ge=_SHORTEST, le=_LONGEST, description=_SECONDS)

    @model_validator(mode="after")
    def _require_one_measure(self) -> Self:
        is_planned = self.meter is not None and self.quantity is not None
        is_mixed = self.amount is not None and (self.meter or self.quantity)
        if is_mixed or not (is_planned or self.amount is not None):
            raise PydanticCustomError("one_measure", "Name either amount, or meter and quantity")
        return self

    def wanted(self) -> Money | PlannedUsage:
        """Return what is to be kept back."""
        if self.meter is not None and self.quantity is not None:
            return PlannedUsage(self.meter, self.quantity)
        if self.amount is None:
            raise TypeError(self)
        return self.amount.money()

    def lasts(self) -> timedelta:
        """Return for how long."""
        return timedelta(seconds=self.expires_in)


class ExtensionBody(BaseModel):
    """How much to keep back altogether, for how long from now, or both; never less than before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: AmountBody | None = Field(default=None, description="altogether, not in addition")
    expires_in: int | None = Field(default=None, ge=_SHORTEST, le=_LONGEST, description=_SECONDS)

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.amount is None and self.expires_in is None:
            raise PydanticCustomError("something", "Name amount or expires_in, or both")
        return self

    def total(self) -> Money | None:
        """Return what is to be kept back altogether; refuses an unknown currency."""
        return None if self.amount is None else self.amount.money()

    def lasts(self) -> timedelta | None:
        """Return for how long."""
        return None if self.expires_in is None else timedelta(seconds=self.expires_in)


class CaptureBody(DeliveredUsage):
    """What was used under the hold. The same `id` is charged once, however often it is sent."""

    subject: SubjectName | None = Field(
        default=None, description="the line of the holder, for its caps and reports"
    )


class HoldPath(BaseModel):
    """The hold in the address."""

    hold_id: UUID


class HoldAnswer(BaseModel):
    """A hold as it is now; `available` is what can be spent beside it."""

    id: UUID
    customer_id: UUID
    state: HoldState
    amount: Amount
    available: Amount
    expires_at: datetime

    @classmethod
    def of(cls, hold: PlacedHold) -> HoldAnswer:
        """Return the shape of a hold."""
        return cls(
            id=hold.id,
            customer_id=hold.customer_id,
            state=hold.state,
            amount=Amount.of(hold.amount),
            available=Amount.of(hold.available),
            expires_at=hold.expires_at,
        )
