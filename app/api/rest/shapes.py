"""What requests and answers of the REST API look like; the OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.billing import Charge, Credit, Wallet
from app.kernel import Money

EventId = Annotated[
    str, StringConstraints(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._:/-]+$")
]
MeterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
# Control characters are no part of any number, and PostgreSQL stores no NUL.
PhoneNumber = Annotated[
    str, StringConstraints(min_length=2, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Quantity = Annotated[
    Decimal, Field(gt=0, le=10**9, max_digits=16, decimal_places=6, allow_inf_nan=False)
]


class Amount(BaseModel):
    """An exact amount in minor units (cents)."""

    minor: int = Field(examples=[190])
    currency: str = Field(examples=["EUR"])

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Return the shape of an amount."""
        return cls(minor=money.minor, currency=money.currency)


class UsageBody(BaseModel):
    """One usage event. The same `id` is charged once, however often it is sent."""

    model_config = ConfigDict(extra="forbid")

    id: EventId = Field(
        description="your id of the event, without personal data; never reuse it",
        examples=["call-7f3a"],
    )
    customer_id: UUID
    meter: MeterName = Field(examples=["call_minutes"])
    quantity: Quantity = Field(
        description="in the meter's unit, at most six decimal places", examples=["3.5"]
    )
    occurred_at: AwareDatetime = Field(
        description="when it was used, with time zone", examples=["2026-11-20T09:15:00Z"]
    )
    counterparty: PhoneNumber | None = Field(
        None, description="the other party's number; masked on pages, deleted after a time"
    )


class ChargeAnswer(BaseModel):
    """What an event cost and what was left just after; a repetition gets the same answer."""

    id: UUID
    event_id: str
    customer_id: UUID
    meter: str
    quantity: str
    unit_price: str
    amount: Amount
    net: Amount
    tax: Amount
    balance: Amount
    balance_version: int

    @classmethod
    def of(cls, charge: Charge) -> ChargeAnswer:
        """Return the shape of a charge."""
        return cls(
            id=charge.id,
            event_id=charge.event_id,
            customer_id=charge.customer_id,
            meter=charge.meter,
            quantity=plain(charge.quantity),
            unit_price=plain(charge.unit_price),
            amount=Amount.of(charge.gross),
            net=Amount.of(charge.net),
            tax=Amount.of(charge.tax),
            balance=Amount.of(charge.balance),
            balance_version=charge.version,
        )


class CustomerPath(BaseModel):
    """The customer in the address."""

    customer_id: UUID


class BalanceAnswer(BaseModel):
    """What a customer's wallet holds; `available` = `posted` + `bonus` - `held` + credit limit.

    `owed` is usage that was delivered while the wallet was empty; the next top-up pays it first.
    """

    customer_id: UUID
    wallet_id: UUID
    posted: Amount
    bonus: Amount
    owed: Amount
    held: Amount
    available: Amount
    version: int
    as_of: datetime

    @classmethod
    def of(cls, wallet: Wallet, credit: Credit, as_of: datetime) -> BalanceAnswer:
        """Return the shape of a wallet's balance."""
        return cls(
            customer_id=wallet.customer_id,
            wallet_id=wallet.id,
            posted=Amount.of(credit.paid),
            bonus=Amount.of(credit.bonus),
            owed=Amount.of(credit.owed),
            held=Amount.of(credit.held),
            available=Amount.of(credit.available),
            version=credit.version,
            as_of=as_of,
        )


class Problem(BaseModel):
    """An error as RFC 9457 describes it; `code` is stable, the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    return format(number.normalize(), "f")
