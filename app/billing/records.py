"""What charges leave behind beside the ledger's entries: usage records, volumes, caps, events."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import ledger
from app.billing.errors import EventIdReusedError
from app.billing.models import Wallet
from app.billing.purses import Purse
from app.billing.rating import Rated
from app.billing.spending import RatingFacts
from app.billing.terms import ChargeTerms
from app.billing.usage import Charge, UsageEvent
from app.kernel import Money, cursor, note_emitted
from app.tenancy import TenantScope

_READ = b"""
SELECT u.entry_id, u.unit_price, u.billed, u.gross_minor, u.net_minor, u.tax_minor, u.rating
  FROM usage_records u WHERE u.reseller_id = %s AND u.entry_id = ANY (%s::uuid[])
"""
_WRITE = b"""
INSERT INTO usage_records (
    reseller_id, entry_id, event_id, wallet_id, subject, meter, price_id, retail_price_id, quantity,
    billed, unit_price, gross_minor, net_minor, tax_minor, rating, hold_id, occurred_at,
    counterparty)
SELECT %s, r.*
  FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::uuid[],
              %s::numeric[], %s::numeric[], %s::numeric[], %s::bigint[], %s::bigint[], %s::bigint[],
              %s::jsonb[], %s::uuid[], %s::timestamptz[], %s::text[]) AS r
"""
_VOLUMES = b"""
INSERT INTO usage_volumes (reseller_id, wallet_id, meter, month, quantity)
SELECT %s, v.* FROM unnest(%s::uuid[], %s::text[], %s::date[], %s::numeric[]) AS v
ON CONFLICT (reseller_id, wallet_id, meter, month) DO UPDATE SET quantity = excluded.quantity
"""
_CAPS = b"""
UPDATE spending_caps c SET month = n.month, spent_minor = n.spent
  FROM unnest(%s::uuid[], %s::date[], %s::bigint[]) AS n (id, month, spent)
 WHERE c.reseller_id = %s AND c.id = n.id
"""
_SPENT_LOTS = b"""
UPDATE bonus_lots l SET state = 'spent'
 WHERE l.reseller_id = %s AND l.account_id = ANY (%s::uuid[]) AND l.state = 'open'
"""
_CARE = b"""
UPDATE wallets w SET needs_care =
       EXISTS (SELECT 1 FROM bonus_lots l WHERE l.reseller_id = w.reseller_id
                  AND l.wallet_id = w.id AND l.state = 'open')
    OR EXISTS (SELECT 1 FROM spending_caps c WHERE c.reseller_id = w.reseller_id
                  AND c.wallet_id = w.id)
 WHERE w.reseller_id = %s AND w.id = ANY (%s::uuid[])
"""
_TELL = b"""
INSERT INTO outbox (reseller_id, kind, body)
SELECT %s, 'balance_changed', jsonb_build_object('wallet_id', w.wallet, 'account_id', w.account)
  FROM unnest(%s::uuid[], %s::uuid[]) AS w (wallet, account)
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A charge, as it is written down."""

    entry_id: UUID
    usage: UsageEvent
    purse: Purse
    terms: ChargeTerms
    rated: Rated
    facts: RatingFacts
    hold_id: UUID | None


@dataclass(frozen=True, slots=True)
class KnownCharge:
    """An event that was charged before."""

    entry: ledger.KnownEntry
    unit_price: Decimal
    billed: Decimal | None
    gross: int
    net: int
    tax: int
    facts: RatingFacts

    def answer(self, usage: UsageEvent, fingerprint: bytes, currency: str) -> Charge:
        """Return the first charge again; refuses an event that says something else."""
        if self.entry.input_hash != fingerprint:
            raise EventIdReusedError(event_id=usage.event_id)
        return Charge(
            id=self.entry.entry_id,
            event_id=usage.event_id,
            customer_id=usage.customer_id,
            meter=usage.meter,
            quantity=usage.quantity,
            billed=usage.quantity if self.billed is None else self.billed,
            unit_price=self.unit_price,
            gross=Money(self.gross, currency),
            net=Money(self.net, currency),
            tax=Money(self.tax, currency),
            balance=Money(self.entry.balance_after, currency),
            version=self.entry.version,
            replayed=True,
            facts=self.facts,
        )


def known_records(
    session: Session, scope: TenantScope, keys: Sequence[str], *, accounts: Collection[UUID]
) -> dict[str, KnownCharge]:
    """Return the charges booked under these keys, with what they left on the asked accounts."""
    entries = ledger.known_entries(session, scope.reseller_id, keys, accounts=list(accounts))
    if not entries:
        return {}
    identifiers = ledger.as_array(entry.entry_id for entry in entries.values())
    rows = cursor(session).execute(_READ, [scope.reseller_id, identifiers])
    records = {row[0]: row[1:] for row in rows}
    nothing = (Decimal(0), None, 0, 0, 0, None)
    known = {}
    for key, entry in entries.items():
        unit_price, billed, gross, net, tax, rating = records.get(entry.entry_id, nothing)
        facts = RatingFacts.of_json(rating)
        known[key] = KnownCharge(entry, unit_price, billed, gross, net, tax, facts)
    return known


def write_records(session: Session, scope: TenantScope, records: Sequence[Record]) -> None:
    """Write the usage records of charges that were posted."""
    columns = [*zip(*(_row(record) for record in records), strict=True)]
    arrays = [ledger.as_text_array(column) for column in columns]
    cursor(session).execute(_WRITE, [scope.reseller_id, *arrays])


def write_moved(session: Session, scope: TenantScope, purses: Collection[Purse]) -> None:
    """Write what charges moved of their purses beside the ledger: volumes, caps, empty lots."""
    _write_volumes(session, scope, purses)
    _write_caps(session, scope, purses)
    close_empty_lots(session, scope, purses)


def tell_balances(session: Session, scope: TenantScope, wallets: Iterable[Purse | Wallet]) -> None:
    """Write one `BalanceChanged` for every wallet."""
    changed = [
        (wallet.id if isinstance(wallet, Wallet) else wallet.wallet_id, wallet.account_id)
        for wallet in wallets
    ]
    note_emitted(session)
    cursor(session).execute(
        _TELL,
        [
            scope.reseller_id,
            ledger.as_array(wallet for wallet, _ in changed),
            ledger.as_array(account for _, account in changed),
        ],
    )


def _row(record: Record) -> tuple[object, ...]:
    usage, tariff, rated = record.usage, record.terms.tariff, record.rated
    facts = record.facts.as_json()
    return (
        record.entry_id,
        usage.event_id,
        record.purse.wallet_id,
        usage.subject,
        usage.meter,
        tariff.price_id,
        tariff.retail_price_id,
        usage.quantity,
        None if tariff.is_plain else rated.quote.billed,
        tariff.unit_price,
        rated.split.gross,
        rated.net,
        rated.split.tax,
        None if facts is None else json.dumps(facts),
        record.hold_id,
        usage.occurred_at,
        usage.counterparty,
    )


def _write_volumes(session: Session, scope: TenantScope, purses: Iterable[Purse]) -> None:
    moved = [
        (purse.wallet_id, meter, month, purse.used((meter, month)))
        for purse in purses
        for meter, month in sorted(purse.moved_volumes)
    ]
    if moved:
        columns = [ledger.as_text_array(column) for column in zip(*moved, strict=True)]
        cursor(session).execute(_VOLUMES, [scope.reseller_id, *columns])


def _write_caps(session: Session, scope: TenantScope, purses: Iterable[Purse]) -> None:
    moved = [
        (cap.id, cap.month, cap.spent) for purse in purses for cap in purse.caps if cap.has_moved
    ]
    if moved:
        columns = [ledger.as_text_array(column) for column in zip(*moved, strict=True)]
        cursor(session).execute(_CAPS, [*columns, scope.reseller_id])


def close_empty_lots(session: Session, scope: TenantScope, purses: Iterable[Purse]) -> None:
    """Close lots that have nothing left, so that their wallets need no care any more."""
    empty = {
        lot.balance.account_id: purse.wallet_id
        for purse in purses
        for lot in purse.lots()
        if lot.balance.posted == 0 and lot.balance.held == 0
    }
    if empty:
        book = scope.reseller_id
        cursor(session).execute(_SPENT_LOTS, [book, ledger.as_array(empty)])
        weigh_care(session, scope, set(empty.values()))


def weigh_care(session: Session, scope: TenantScope, wallets: Collection[UUID]) -> None:
    """Write down which of these wallets, whose accounts are locked, need care from now on."""
    cursor(session).execute(_CARE, [scope.reseller_id, ledger.as_array(wallets)])
