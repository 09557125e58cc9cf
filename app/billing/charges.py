from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import commissions, ledger, pricing
from app.billing import chart
from app.billing.errors import (
    EventIdReusedError,
    FutureUsageError,
    InsufficientFundsError,
    WalletFrozenError,
    WalletNotFoundError,
)
from app.billing.events import BalanceChanged
from app.billing.models import UsageRecord, WalletState
from app.kernel import Money, append, cursor, emit
from app.tenancy import TenantScope

# A meter's clock may run ahead of ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=5)

# All that a charge must know, in one trip. Each slice wrote its own part.
_CONTEXT = f"""
SELECT w.id, w.account_id, w.currency, w.state,
       {pricing.TARIFF_AS_JSON}, {commissions.TERMS_AS_JSON}
  FROM wallets w
 WHERE w.reseller_id = %(reseller_id)s AND w.customer_id = %(customer_id)s
""".encode()  # noqa: S608 - constants of ours

_RECORD = """
INSERT INTO usage_records (
    reseller_id, entry_id, event_id, wallet_id, meter, price_id, quantity, unit_price,
    gross_minor, net_minor, tax_minor, occurred_at, counterparty)
VALUES (
    %(reseller_id)s, %(entry_id)s, %(event_id)s, %(wallet_id)s, %(meter)s, %(price_id)s,
    %(quantity)s, %(unit_price)s, %(gross)s, %(net)s, %(tax)s, %(occurred_at)s, %(counterparty)s)
"""


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


@dataclass(frozen=True, slots=True)
class _Context:
    """The wallet that pays and the terms that hold when the usage happened."""

    wallet_id: UUID
    account_id: UUID
    tariff: pricing.Tariff
    terms: list[commissions.Term]


def charge_usage(
    session: Session, scope: TenantScope, *, usage: UsageEvent, now: datetime
) -> Charge:
    """Charge a usage event along the chain, once per event id, or return its first charge.

    One entry pays tax, every reseller and the platform (requirement C2). Refuses, changing
    nothing: an unknown customer, a meter without a price, a bad quantity, usage in the future, a
    frozen wallet, an id used with other content, and a wallet that cannot pay; the last binds
    nothing, so that the same event may be sent again after a top-up (C3).
    """
    if usage.occurred_at > now + CLOCK_TOLERANCE:
        raise FutureUsageError(occurred_at=usage.occurred_at.isoformat())
    context = _read_context(session, scope, usage)
    quote = pricing.rate(context.tariff, usage.quantity)
    shares = commissions.share(quote.net, context.terms)
    draft = ledger.EntryDraft(
        book_id=scope.reseller_id,
        kind=chart.USAGE,
        key=f"usage:{usage.event_id}",
        input_hash=ledger.fingerprint(_identity(usage)),
        effective_at=usage.occurred_at,
        transfers=chart.usage_transfers(scope.reseller_id, context.account_id, quote, shares),
        watch=context.account_id,
    )
    posted = _post(session, draft)
    if posted.replayed:
        return _first_charge(session, scope, usage, quote.gross.currency, posted)
    charge = Charge(
        id=posted.entry_id,
        event_id=usage.event_id,
        customer_id=usage.customer_id,
        meter=usage.meter,
        quantity=usage.quantity,
        unit_price=quote.tariff.unit_price,
        gross=quote.gross,
        net=quote.net,
        tax=quote.tax,
        balance=Money(posted.posted, quote.gross.currency),
        version=posted.version,
        replayed=False,
    )
    _record(session, scope, usage=usage, charge=charge, context=context)
    emit(session, scope.reseller_id, BalanceChanged(context.wallet_id, context.account_id))
    return charge


def _identity(usage: UsageEvent) -> dict[str, object]:
    """Return what makes two deliveries the same event; 1.50 and 1.5 minutes are."""
    return {
        "event_id": usage.event_id,
        "customer_id": usage.customer_id,
        "meter": usage.meter,
        "counterparty": usage.counterparty,
        "quantity": format(usage.quantity.normalize(), "f"),
        "occurred_at": usage.occurred_at.timestamp(),
    }


def _read_context(session: Session, scope: TenantScope, usage: UsageEvent) -> _Context:
    rows = (
        cursor(session)
        .execute(
            _CONTEXT,
            {
                "reseller_id": scope.reseller_id,
                "customer_id": usage.customer_id,
                "meter": usage.meter,
                "at": usage.occurred_at,
            },
        )
        .fetchall()
    )
    if not rows:
        raise WalletNotFoundError(customer=str(usage.customer_id))
    tariff = pricing.read_tariff(rows[0][4], meter=usage.meter)
    terms = commissions.read_terms(rows[0][5])
    for wallet_id, account_id, currency, state, *_ in rows:
        if currency == tariff.currency:
            if state != WalletState.ACTIVE.value:
                raise WalletFrozenError(wallet=str(wallet_id))
            return _Context(wallet_id, account_id, tariff, terms)
    raise WalletNotFoundError(customer=str(usage.customer_id), currency=tariff.currency)


def _post(session: Session, draft: ledger.EntryDraft) -> ledger.Posted:
    """Post, saying a refusal in billing's words."""
    try:
        return ledger.post(session, draft)
    except ledger.InsufficientFundsError as refused:
        required, available = refused.facts["required"], refused.facts["available"]
        if not isinstance(required, int) or not isinstance(available, int):
            raise
        raise InsufficientFundsError(**refused.facts, missing=required - available) from refused
    except ledger.KeyReusedError as refused:
        raise EventIdReusedError(event_id=draft.key.removeprefix("usage:")) from refused


def _record(
    session: Session, scope: TenantScope, *, usage: UsageEvent, charge: Charge, context: _Context
) -> None:
    append(
        session,
        _RECORD,
        {
            "reseller_id": scope.reseller_id,
            "entry_id": charge.id,
            "event_id": usage.event_id,
            "wallet_id": context.wallet_id,
            "meter": usage.meter,
            "price_id": context.tariff.price_id,
            "quantity": usage.quantity,
            "unit_price": charge.unit_price,
            "gross": charge.gross.minor,
            "net": charge.net.minor,
            "tax": charge.tax.minor,
            "occurred_at": usage.occurred_at,
            "counterparty": usage.counterparty,
        },
    )


def _first_charge(
    session: Session,
    scope: TenantScope,
    usage: UsageEvent,
    currency: str,
    posted: ledger.Posted,
) -> Charge:
    """Return the charge as it was answered the first time, from the record made then."""
    record = session.scalars(
        select(UsageRecord).where(
            UsageRecord.reseller_id == scope.reseller_id, UsageRecord.entry_id == posted.entry_id
        )
    ).one()
    return Charge(
        id=posted.entry_id,
        event_id=record.event_id,
        customer_id=usage.customer_id,
        meter=record.meter,
        quantity=record.quantity,
        unit_price=record.unit_price,
        gross=Money(record.gross_minor, currency),
        net=Money(record.net_minor, currency),
        tax=Money(record.tax_minor, currency),
        balance=Money(posted.posted, currency),
        version=posted.version,
        replayed=True,
    )
