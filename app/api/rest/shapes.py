"""What requests and answers of the REST API look like; the OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from flask_openapi3.models.media_type import MediaType
from flask_openapi3.models.reference import Reference
from pydantic import BaseModel, ConfigDict, Field, RootModel

from app.billing import Charge, Credit, ReportedUsage, Wallet
from app.kernel import Money


class Amount(BaseModel):
    """An exact amount in minor units (cents)."""

    minor: int = Field(examples=[190])
    currency: str = Field(examples=["EUR"])

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Return the shape of an amount."""
        return cls(minor=money.minor, currency=money.currency)


class UsageBody(ReportedUsage):
    """One usage event. The same `id` is charged once, however often it is sent."""


class ChargeAnswer(BaseModel):
    """What an event cost and what was left just after; a repetition gets the same answer."""

    id: UUID
    event_id: str
    customer_id: UUID
    meter: str
    quantity: str
    billed: str = Field(description="the quantity after increments")
    free: str = Field(description="what of it an allowance made free")
    unit_price: str
    amount: Amount
    net: Amount
    tax: Amount
    bonus: Amount = Field(description="what of the amount bonus credit paid")
    owed: Amount = Field(description="what of the amount the next top-up will pay")
    uncollected: Amount = Field(description="what a capture cost beyond hold and balance")
    balance: Amount
    balance_version: int

    @classmethod
    def of(cls, charge: Charge) -> ChargeAnswer:
        """Return the shape of a charge."""
        facts, currency = charge.facts, charge.gross.currency
        return cls(
            id=charge.id,
            event_id=charge.event_id,
            customer_id=charge.customer_id,
            meter=charge.meter,
            quantity=plain(charge.quantity),
            billed=plain(charge.billed),
            free=plain(facts.free),
            unit_price=plain(charge.unit_price),
            amount=Amount.of(charge.gross),
            net=Amount.of(charge.net),
            tax=Amount.of(charge.tax),
            bonus=Amount(minor=facts.bonus, currency=currency),
            owed=Amount(minor=facts.owed, currency=currency),
            uncollected=Amount(minor=facts.uncollected, currency=currency),
            balance=Amount.of(charge.balance),
            balance_version=charge.version,
        )


class EventStatus(Enum):
    """What became of one event of a batch; `repeated` if it was charged before."""

    CHARGED = "charged"
    REPEATED = "repeated"
    REFUSED = "refused"


class EventAnswer(BaseModel):
    """What became of one event: its charge, or a code with further members as in a problem.

    `retry` says that the same event may be charged if it is sent again later.
    """

    model_config = ConfigDict(extra="allow")

    index: int = Field(description="the event's place in the batch, from 0")
    id: str | None = Field(description="the event's id; null where none could be read")
    status: EventStatus
    charge: ChargeAnswer | None = None
    code: str | None = Field(default=None, examples=["billing.insufficient_funds"])
    detail: str | None = None
    retry: bool | None = None


# Lines of JSON are answered with a result a line.
_EVENT_LINES = {
    "application/x-ndjson": MediaType(
        schema=Reference(**{"$ref": "#/components/schemas/EventAnswer"})
    )
}


class BatchAnswer(RootModel[list[EventAnswer]]):
    """A result for every event, in the order in which they were sent."""

    model_config = {
        "openapi_extra": {"content": _EVENT_LINES}  # type: ignore[typeddict-unknown-key] # flask-openapi3's
    }


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
