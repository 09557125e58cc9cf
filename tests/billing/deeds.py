"""Everything that moves money, each as a deed that may be killed, sent again, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from app import audit
from app.billing import Charge, PlacedHold, UsageEvent, Wallet, charge_usage, quote_usage, read_hold
from app.billing.careful_charges import Outcome, charge_with_care
from app.billing.holds import expire_holds
from app.kernel import new_id, now, transaction
from app.tenancy import Tenant, TenantScope
from app.worker.handlers import Handlers
from app.worker.leadership import Leadership
from app.worker.messages import Envelope, LiveMessage
from app.worker.relay import Relay
from app.worker.roll_ups import roll_up_books
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, a_grace_limit
from tests.factories.holds import a_hold, capture, extend, let_hold_expire, release, used
from tests.factories.money import (
    a_pending_top_up,
    a_priced_reseller,
    a_wallet,
    an_event,
    scope_of_wallet,
    settle,
)
from tests.factories.names import unique
from tests.worker.relays import FakeBell

# All that a deed may change, of one wallet, as of one moment.
_LOOK = b"""
SELECT (SELECT array_agg(a.kind || ' ' || b.posted || ' ' || b.held || ' ' || b.version
                         ORDER BY a.kind, b.posted)
          FROM ledger_accounts a
          JOIN ledger_balances b ON b.book_id = a.book_id AND b.account_id = a.id
         WHERE a.book_id = w.reseller_id AND (
               a.id IN (w.account_id, w.receivable_account_id) OR a.id IN (
                   SELECT l.account_id FROM bonus_lots l WHERE l.wallet_id = w.id))),
       (SELECT array_agg(h.state || h.amounts::text ORDER BY h.id) FROM ledger_holds h
         WHERE h.book_id = w.reseller_id AND h.account_id = w.account_id),
       (SELECT array_agg(u.gross_minor ORDER BY u.gross_minor) FROM usage_records u
         WHERE u.reseller_id = w.reseller_id AND u.wallet_id = w.id),
       (SELECT array_agg(t.state ORDER BY t.id) FROM top_ups t
         WHERE t.reseller_id = w.reseller_id AND t.wallet_id = w.id),
       (SELECT array_agg(l.state ORDER BY l.id) FROM bonus_lots l
         WHERE l.reseller_id = w.reseller_id AND l.wallet_id = w.id),
       (SELECT count(*) FROM payment_claims p JOIN top_ups t ON t.id = p.top_up_id
         WHERE t.wallet_id = w.id),
       (SELECT array_agg(o.kind ORDER BY o.id) FROM outbox o
         WHERE o.reseller_id = w.reseller_id AND o.body ->> 'wallet_id' = w.id::text),
       w.needs_care
  FROM wallets w WHERE w.id = %s
"""
_LOOK_AT_BOOK = b"""
SELECT (SELECT array_agg(r.posted ORDER BY r.posted) FROM ledger_rollups r WHERE r.book_id = b.id),
       (SELECT count(*) FROM ledger_tail t WHERE t.book_id = b.id),
       (SELECT array_agg(s.entries ORDER BY s.n) FROM ledger_seals s WHERE s.book_id = b.id),
       (SELECT count(*) FROM outbox o WHERE o.reseller_id = b.id),
       (SELECT count(*) FROM audit_records a WHERE a.reseller_id = b.id AND a.action = 'told')
  FROM (SELECT %s::uuid AS id) b
"""

Seen = tuple[object, ...]


@dataclass(frozen=True)
class Deed:
    """What a victim does, and how to see what has become of it; `again` repeats it safely."""

    act: Callable[[], object]
    look: Callable[[], Seen]
    again: Callable[[], object]


@dataclass
class Ground:
    """A database of the test's own, its owner's connection, and a reseller that sells there."""

    database: Database
    reseller: Tenant
    directory: Path
    owner: psycopg.Connection | None = None

    def wallet(self, funds: int = 1_000, *, bonus: int = 0, grace: int = 0) -> Wallet:
        wallet = a_wallet(funds, reseller=self.reseller)
        if bonus:
            a_bonus_lot(wallet, bonus)
        if grace:
            a_grace_limit(wallet, grace)
        return wallet

    def deed(self, wallet: Wallet, act: Callable[[], object]) -> Deed:
        return Deed(act, partial(self.look, _LOOK, wallet.id), act)

    def analyze(self) -> None:
        """Let plans that were made for empty tables be made anew."""
        self._owner().execute("ANALYZE")

    def look(self, query: bytes, identifier: UUID) -> Seen:
        row = self._owner().execute(query, [identifier]).fetchone()
        assert row is not None
        return row

    def _owner(self) -> psycopg.Connection:
        if self.owner is None or self.owner.closed:
            self.owner = psycopg.connect(self.database.owner_url, autocommit=True)
        return self.owner


def send(wallet: Wallet, event: UsageEvent) -> Charge:
    """Charge an event as the API does: one statement where it may be."""
    scope = scope_of_wallet(wallet)
    with transaction(scope, sole=True) as session:
        return charge_usage(session, scope, usage=event, now=now())


def send_batch(scope: TenantScope, events: list[UsageEvent]) -> list[Outcome]:
    with transaction(scope) as session:
        return charge_with_care(session, scope, usages=events, now=now())


def charging(ground: Ground) -> Deed:
    wallet = ground.wallet()
    return ground.deed(wallet, partial(send, wallet, an_event(wallet, "300")))


def charging_at_once(ground: Ground) -> Deed:
    """In one statement, which commits itself: the process has the terms already."""
    wallet = ground.wallet()
    return ground.deed(wallet, partial(quote_and_send, wallet, an_event(wallet, "300")))


def quote_and_send(wallet: Wallet, event: UsageEvent) -> Charge:
    scope, at = scope_of_wallet(wallet), now()
    with transaction(scope) as session:
        quote_usage(
            session, scope, customer_id=event.customer_id, meter=event.meter,
            quantity=event.quantity, at=at, now=at,
        )  # fmt: skip
    return send(wallet, event)


def charging_bonus_and_grace(ground: Ground) -> Deed:
    wallet = ground.wallet(500, bonus=200, grace=400)
    return ground.deed(wallet, partial(send, wallet, an_event(wallet, "900")))


def charging_a_batch(ground: Ground) -> Deed:
    wallet = ground.wallet(bonus=150)
    events = [an_event(wallet, quantity) for quantity in ("100", "20000", "200")]
    scope = scope_of_wallet(wallet)
    return ground.deed(wallet, partial(send_batch, scope, [*events, events[0]]))


def holding(ground: Ground) -> Deed:
    wallet = ground.wallet()
    return ground.deed(wallet, partial(a_hold, wallet, 300, key=unique("hold")))


def holding_bonus(ground: Ground) -> Deed:
    wallet = ground.wallet(bonus=200)
    return ground.deed(wallet, partial(a_hold, wallet, 300, key=unique("hold")))


def capturing(ground: Ground) -> Deed:
    wallet = ground.wallet()
    hold = a_hold(wallet, 300)
    return ground.deed(wallet, partial(capture, wallet, hold.id, used("400")))


def capturing_bonus(ground: Ground) -> Deed:
    wallet = ground.wallet(500, bonus=200)
    hold = a_hold(wallet, 300)
    return ground.deed(wallet, partial(capture, wallet, hold.id, used("900")))


def extending(ground: Ground) -> Deed:
    """Whoever got no answer reads the hold before asking again."""
    wallet = ground.wallet(bonus=200)
    hold = a_hold(wallet, 100)
    act = partial(extend, wallet, hold.id, 300)
    look = partial(ground.look, _LOOK, wallet.id)
    return Deed(act, look, partial(extend_unless_done, wallet, hold, 300))


def extend_unless_done(wallet: Wallet, hold: PlacedHold, minor: int) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        present = read_hold(session, scope, hold_id=hold.id).amount
    if present == hold.amount:
        extend(wallet, hold.id, minor)


def releasing(ground: Ground) -> Deed:
    wallet = ground.wallet(bonus=200)
    return ground.deed(wallet, partial(release, wallet, a_hold(wallet, 300).id))


def expiring(ground: Ground) -> Deed:
    wallet = ground.wallet(bonus=200)
    let_hold_expire(a_hold(wallet, 300).id, ground.database)
    return ground.deed(wallet, partial(write_expiry_down, wallet))


def write_expiry_down(wallet: Wallet) -> int:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return expire_holds(session, scope, accounts=[wallet.account_id])


def settling(ground: Ground) -> Deed:
    wallet = ground.wallet(0)
    return ground.deed(wallet, partial(settle, a_pending_top_up(wallet, 1_000)))


def rolling_up_and_sealing(ground: Ground) -> Deed:
    """As the worker does it, with one book that has anything to count."""
    reseller = a_priced_reseller()
    wallet = a_wallet(1_000, reseller=reseller)
    roll_up_books()
    for _ in range(3):
        send(wallet, an_event(wallet, "100"))
    return Deed(roll_up_books, partial(ground.look, _LOOK_AT_BOOK, reseller.id), roll_up_books)


def relaying(ground: Ground) -> Deed:
    tenant, kind = new_id(), f"killed-{new_id()}"
    with psycopg.connect(ground.database.owner_url) as owner:
        for _ in range(3):
            owner.execute(
                "INSERT INTO outbox (reseller_id, kind, body) VALUES (%s, %s, '{}')", [tenant, kind]
            )
    log = ground.directory / kind
    act = partial(relay_a_turn, ground.database, kind, log)
    return Deed(act, partial(ground.look, _LOOK_AT_BOOK, tenant), act)


@dataclass(frozen=True)
class LiveFile:
    """A publisher whose streams are a file: what was told survives the teller."""

    path: Path

    def publish(self, channel: str, *, event_id: str, kind: str, data: dict[str, object]) -> None:
        with self.path.open("a") as file:
            file.write(f"{channel} {event_id} {kind} {data}\n")


def relay_a_turn(database: Database, kind: str, log: Path) -> int:
    handlers = {kind: Handlers(announces=[_announce], records=[_note])}
    leadership = Leadership(database.platform_url, kind)
    live = LiveFile(log)
    return Relay(live=live, handlers=handlers, wakeup=FakeBell(), leadership=leadership).turn()


def _announce(_session: Session, events: object) -> list[LiveMessage]:
    assert isinstance(events, list)
    return [LiveMessage("all", str(event.id), event.kind, {}) for event in events]


def _note(session: Session, event: Envelope) -> None:
    audit.record(
        session, event.reseller_id, actor=audit.SYSTEM, action="told", subject_id=new_id(), facts={}
    )


DEEDS: dict[str, Callable[[Ground], Deed]] = {
    each.__name__: each
    for each in (
        charging,
        charging_at_once,
        charging_bonus_and_grace,
        charging_a_batch,
        holding,
        holding_bonus,
        capturing,
        capturing_bonus,
        extending,
        releasing,
        expiring,
        settling,
        rolling_up_and_sealing,
        relaying,
    )
}
