"""One table: event kind -> what follows from it.

A handler that `announces` reads the present state for a batch of events and says what the open
streams are to be told; the relay tells them outside any transaction, perhaps twice. A handler that
`records` writes for one event (usually it defers a job) in the transaction that takes the event
out of the outbox: exactly once. One that `collects` does the same for all events of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app import billing
from app.kernel import defer, now
from app.tenancy import PlatformScope
from app.worker.links import send_link, tell_of_security
from app.worker.messages import Envelope, LiveMessage
from app.worker.onboarding_tasks import write_to_applicant

Announce = Callable[[Session, Sequence[Envelope]], list[LiveMessage]]
Record = Callable[[Session, Envelope], None]
Collect = Callable[[Session, Sequence[Envelope]], None]


@dataclass(frozen=True)
class Handlers:
    """What follows from one kind of event; nothing may follow from it, too."""

    announces: Sequence[Announce] = ()
    records: Sequence[Record] = ()
    collects: Sequence[Collect] = ()


def announce_balances(session: Session, events: Sequence[Envelope]) -> list[LiveMessage]:
    """Say each wallet's present balance once, however many events of it are in the batch."""
    wallets = {
        (event.reseller_id, UUID(event.body["wallet_id"])): UUID(event.body["account_id"])
        for event in events
    }
    found = billing.credits_across(session, PlatformScope(), wallets=wallets, now=now())
    return [
        LiveMessage(
            channel=f"wallet.{wallet_id}",
            event_id=str(credit.revision),
            kind="balance",
            data={
                "version": credit.revision,
                "posted": credit.paid.minor,
                "bonus": credit.bonus.minor,
                "owed": credit.owed.minor,
                "held": credit.held.minor,
                "available": credit.available.minor,
                "currency": credit.paid.currency,
            },
        )
        for (_, wallet_id), credit in found.items()
    ]


def look_for_a_new_customer(session: Session, event: Envelope) -> None:
    """Have somebody look whether this top-up brought its reseller a customer."""
    defer(
        session,
        "grant_new_customer_bonus",
        reseller_id=str(event.reseller_id),
        wallet_id=event.body["wallet_id"],
    )


def watch_balances(session: Session, events: Sequence[Envelope]) -> None:
    """Have people told whose wallets fell below their thresholds."""
    wallets = {(event.reseller_id, UUID(event.body["wallet_id"])) for event in events}
    for fall in billing.note_balances(session, PlatformScope(), wallets=wallets, now=now()):
        defer(
            session,
            "tell_low_balance",
            reseller_id=str(fall.reseller_id),
            wallet_id=str(fall.wallet_id),
            fall_id=str(fall.id),
        )


def write_receipt(session: Session, event: Envelope) -> None:
    """Have the owners told that their top-up has arrived."""
    defer(
        session,
        "write_receipt",
        reseller_id=str(event.reseller_id),
        top_up_id=event.body["top_up_id"],
    )


HANDLERS: Mapping[str, Handlers] = {
    "balance_changed": Handlers(announces=[announce_balances], collects=[watch_balances]),
    "customer_blocked": Handlers(),
    "customer_unblocked": Handlers(),
    "link_made": Handlers(records=[send_link]),
    "security_changed": Handlers(records=[tell_of_security]),
    "reseller_asked": Handlers(records=[write_to_applicant]),
    "reseller_decided": Handlers(records=[write_to_applicant]),
    "sign_up_made": Handlers(records=[write_to_applicant]),
    "trial_begun": Handlers(records=[write_to_applicant]),
    "trial_ending": Handlers(records=[write_to_applicant]),
    "own_balance_funded": Handlers(records=[write_receipt]),
    "top_up_settled": Handlers(records=[look_for_a_new_customer, write_receipt]),
}
