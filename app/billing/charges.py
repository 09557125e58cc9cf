from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.careful_charges import charge_with_care
from app.billing.errors import EventIdReusedError
from app.billing.rating import Rated, rate
from app.billing.spending import RatingFacts, paid_by_one
from app.billing.terms import ChargeTerms, kept_terms
from app.billing.usage import Charge, UsageEvent
from app.kernel import AppError, Money, is_sole, note_emitted
from app.tenancy import TenantScope

NOTHING = Decimal(0)


def charge_usage(
    session: Session,
    scope: TenantScope,
    *,
    usage: UsageEvent,
    now: datetime,
    hold_id: UUID | None = None,
) -> Charge:
    """Charge a usage event along the chain, once per event id, or return its first charge.

    One entry pays tax, every reseller and the platform (requirement C2). With a hold, the entry
    captures it: what was kept back pays first and the rest of it is free again. Refuses, changing
    nothing: an unknown customer, a meter without a price, a bad quantity, usage in the future, a
    wallet that is frozen or blocked (but for an event that it paid before), an id used with other
    content, a spending cap, and a wallet that cannot pay; the last two bind nothing, so that the
    same event may be sent again after a top-up (C3).
    """
    usage.require_past(now)
    terms = kept_terms(session, scope, usage.meter, usage.occurred_at, booked_at=now)
    if not terms.tariff.needs_volume:
        charge = _at_once(session, scope, usage, terms, hold_id)
        if charge is not None:
            return charge
    outcome = charge_with_care(session, scope, usages=[usage], now=now, hold_id=hold_id)[0]
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _at_once(
    session: Session,
    scope: TenantScope,
    usage: UsageEvent,
    terms: ChargeTerms,
    hold_id: UUID | None,
) -> Charge | None:
    """Charge in one statement; None where the wallet or its terms need a closer look.

    So they do where somebody took the money between the statement's look and its lock: what is
    owed or captured may then still be charged. Says a refusal in billing's words.
    """
    rated = rate(terms, usage.quantity, used=NOTHING)
    # The statement writes `BalanceChanged` itself.
    note_emitted(session)
    try:
        # Refused, a statement of its own leaves nothing; one in a transaction needs a savepoint.
        with nullcontext() if is_sole(session) else session.begin_nested():
            posted = ledger.post_through(
                session,
                _draft(scope, usage, terms, rated, hold_id),
                function="charge_usage",
                arguments=_record(usage, terms, rated),
            )
    except (ledger.InsufficientFundsError, ledger.BooksMovedError):
        return None
    except ledger.KeyReusedError as refused:
        raise EventIdReusedError(event_id=usage.event_id) from refused
    return None if posted is None else _charge(usage, terms, rated, posted)


def _draft(
    scope: TenantScope,
    usage: UsageEvent,
    terms: ChargeTerms,
    rated: Rated,
    hold_id: UUID | None,
) -> ledger.EntryDraft:
    return ledger.EntryDraft(
        book_id=scope.reseller_id,
        kind=chart.USAGE,
        key=usage.key,
        input_hash=usage.fingerprint(),
        effective_at=usage.occurred_at,
        transfers=paid_by_one(
            chart.PAYING_WALLET, rated.split, terms.accounts, terms.tariff.currency
        ),
        watch=chart.PAYING_WALLET,
        hold_id=hold_id,
    )


def _record(usage: UsageEvent, terms: ChargeTerms, rated: Rated) -> tuple[object, ...]:
    """Return what `charge_usage` in the database writes of the event."""
    quote, tariff = rated.quote, terms.tariff
    facts = None if tariff.is_plain else rated.facts().as_json()
    return (
        terms.revision,
        usage.customer_id,
        tariff.currency,
        usage.event_id,
        usage.subject,
        usage.meter,
        tariff.price_id,
        tariff.retail_price_id,
        usage.quantity,
        None if tariff.is_plain else quote.billed,
        tariff.unit_price,
        rated.split.gross,
        rated.net,
        rated.split.tax,
        None if facts is None else Jsonb(facts),
        usage.counterparty,
    )


def _charge(usage: UsageEvent, terms: ChargeTerms, rated: Rated, posted: ledger.Posted) -> Charge:
    """Return what was charged: now, or, of a repetition, what the record of the first time says."""
    currency = terms.tariff.currency
    unit_price, billed, gross, net, tax, rating = posted.more
    return Charge(
        id=posted.entry_id,
        event_id=usage.event_id,
        customer_id=usage.customer_id,
        meter=usage.meter,
        quantity=usage.quantity,
        billed=usage.quantity if billed is None else billed,
        unit_price=unit_price,
        gross=Money(gross, currency),
        net=Money(net, currency),
        tax=Money(tax, currency),
        balance=Money(posted.posted, currency),
        version=posted.version,
        replayed=posted.replayed,
        facts=RatingFacts.of_json(rating),
    )
