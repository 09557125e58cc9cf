from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, ledger, pricing
from app.billing import chart
from app.billing.errors import (
    EventIdReusedError,
    FutureUsageError,
    InsufficientFundsError,
    TermsInMotionError,
)
from app.billing.rules import usage_key
from app.billing.terms import ChargeTerms, kept_terms, read_terms
from app.billing.wallets import require_paying_wallet
from app.kernel import Money, note_emitted
from app.tenancy import TenantScope

# A meter's clock may run ahead of ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=5)

# How often terms may change between reading and posting before we give up on a charge.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Something delivered: `quantity` in the meter's unit; `counterparty` a third party's number.

    `event_id` is the sender's: the same event has the same id for ever.
    """

    event_id: str
    customer_id: UUID
    meter: str
    quantity: Decimal
    occurred_at: datetime
    counterparty: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """What a usage event cost and what was left just after; `replayed` if it was charged before."""

    id: UUID
    event_id: str
    customer_id: UUID
    meter: str
    quantity: Decimal
    unit_price: Decimal
    gross: Money
    net: Money
    tax: Money
    balance: Money
    version: int
    replayed: bool


def charge_usage(
    session: Session, scope: TenantScope, *, usage: UsageEvent, now: datetime
) -> Charge:
    """Charge a usage event along the chain, once per event id, or return its first charge.

    One entry pays tax, every reseller and the platform (requirement C2). Refuses, changing
    nothing: an unknown customer, a meter without a price, a bad quantity, usage in the future, a
    frozen wallet (but for an event that it paid before), an id used with other content, and a
    wallet that cannot pay; the last binds nothing, so that the same event may be sent again after
    a top-up (C3).
    """
    if usage.occurred_at > now + CLOCK_TOLERANCE:
        raise FutureUsageError(occurred_at=usage.occurred_at.isoformat())
    terms = kept_terms(session, scope, usage.meter, usage.occurred_at, now)
    for _ in range(ATTEMPTS):
        quote = pricing.rate(terms.tariff, usage.quantity)
        posted = _post(session, scope, usage=usage, terms=terms, quote=quote)
        if posted is not None:
            return _charge(usage, quote.gross.currency, posted)
        before = terms
        terms = read_terms(session, scope, usage.meter, usage.occurred_at, now)
        if terms.revision == before.revision:
            require_paying_wallet(
                session, scope, customer_id=usage.customer_id, currency=terms.tariff.currency
            )
    raise TermsInMotionError


def _identity(usage: UsageEvent) -> dict[str, object]:
    """Return what makes two deliveries the same event; 1.50 and 1.5 minutes are.

    The other party's number is left out: it costs nothing, and a hash of it that stays for ever
    could be guessed back to the number after it was forgotten (requirement M3).
    """
    return {
        "event_id": usage.event_id,
        "customer_id": usage.customer_id,
        "meter": usage.meter,
        "quantity": format(usage.quantity.normalize(), "f"),
        "occurred_at": usage.occurred_at.timestamp(),
    }


def _post(
    session: Session,
    scope: TenantScope,
    *,
    usage: UsageEvent,
    terms: ChargeTerms,
    quote: pricing.Quote,
) -> ledger.Posted | None:
    """Post the entry with its record and event; None where nobody may pay or the terms changed.

    Says a refusal in billing's words.
    """
    draft = _draft(scope, usage, terms, quote)
    record = (
        terms.revision,
        usage.customer_id,
        quote.gross.currency,
        usage.event_id,
        usage.meter,
        quote.tariff.price_id,
        usage.quantity,
        quote.tariff.unit_price,
        quote.gross.minor,
        quote.net.minor,
        quote.tax.minor,
        usage.counterparty,
    )
    # The statement writes `BalanceChanged` itself.
    note_emitted(session)
    try:
        return ledger.post_through(session, draft, function="charge_usage", arguments=record)
    except ledger.InsufficientFundsError as refused:
        required, available = refused.facts["required"], refused.facts["available"]
        if not isinstance(required, int) or not isinstance(available, int):
            raise
        raise InsufficientFundsError(**refused.facts, missing=required - available) from refused
    except ledger.KeyReusedError as refused:
        raise EventIdReusedError(event_id=usage.event_id) from refused


def _draft(
    scope: TenantScope, usage: UsageEvent, terms: ChargeTerms, quote: pricing.Quote
) -> ledger.EntryDraft:
    return ledger.EntryDraft(
        book_id=scope.reseller_id,
        kind=chart.USAGE,
        key=usage_key(usage.event_id),
        input_hash=ledger.fingerprint(_identity(usage)),
        effective_at=usage.occurred_at,
        transfers=chart.usage_transfers(
            scope.reseller_id,
            chart.PAYING_WALLET,
            quote,
            commissions.share(quote.net, terms.shares),
        ),
        watch=chart.PAYING_WALLET,
    )


def _charge(usage: UsageEvent, currency: str, posted: ledger.Posted) -> Charge:
    """Return what was charged: now, or, of a repetition, what the record of the first time says."""
    unit_price, gross, net, tax = posted.more
    return Charge(
        id=posted.entry_id,
        event_id=usage.event_id,
        customer_id=usage.customer_id,
        meter=usage.meter,
        quantity=usage.quantity,
        unit_price=unit_price,
        gross=Money(gross, currency),
        net=Money(net, currency),
        tax=Money(tax, currency),
        balance=Money(posted.posted, currency),
        version=posted.version,
        replayed=posted.replayed,
    )
