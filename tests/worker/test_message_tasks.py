"""From an event in the outbox to a mail at a server: receipts, low balances, sweeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from app.billing import Wallet
from app.identity import get_customer
from app.kernel import new_id, now, transaction
from app.notifications import ChannelError, DeliveryState, MessageKind
from app.ports import Ports
from app.worker.handlers import HANDLERS
from app.worker.message_tasks import (
    deliver_message,
    forget_messages,
    sweep_messages,
    tell_low_balance,
    write_receipt,
)
from app.worker.relay import Relay
from tests.conftest import Database
from tests.factories import a_customer_user, a_reseller, a_staff_user
from tests.factories.credits import own_funds
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    charge,
    scope_of_wallet,
)
from tests.fakes import FakeTransport, fake_ports, fake_post
from tests.notifications.posted import lines_of, queue, read, text_of
from tests.worker.relays import FakeLive, Relays

TASKS: dict[str, Callable[..., None]] = {
    "write_receipt": write_receipt,
    "tell_low_balance": tell_low_balance,
    "deliver_message": deliver_message,
}
_TAKE = """
DELETE FROM procrastinate.procrastinate_jobs
 WHERE id = (SELECT min(id) FROM procrastinate.procrastinate_jobs WHERE task_name = ANY (%s))
RETURNING task_name, args
"""


def work(database: Database, relays: Relays, transport: FakeTransport) -> None:
    """Relay everything that waits, then run the jobs about messages until none is left."""
    relay: Relay = relays.make(FakeLive(), dict(HANDLERS))
    while relay.turn():
        pass
    ports = replace(fake_ports(), post=fake_post(transport))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SET search_path TO procrastinate, public")
        while (row := owner.execute(_TAKE, [list(TASKS)]).fetchone()) is not None:
            arguments: dict[str, Any] = row[1]
            TASKS[row[0]](ports, **arguments)


def a_user_of(wallet: Wallet) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=wallet.customer_id)
    a_customer_user(customer)


def subjects(transport: FakeTransport) -> list[str]:
    return [
        str(read(mail)["Subject"]).replace("\N{NO-BREAK SPACE}", " ") for mail in transport.mails
    ]


def test_a_settled_top_up_is_receipted_by_mail(connected: Database, relays: Relays) -> None:
    wallet, transport = a_wallet(0), FakeTransport()
    a_user_of(wallet)

    a_settled_top_up(wallet, 2_500)
    work(connected, relays, transport)

    assert subjects(transport) == ["25,00 € eingezahlt"]
    assert "25,00" in text_of(read(transport.mails[0]))


def test_a_top_up_of_ones_own_balance_is_receipted_to_staff(
    connected: Database, relays: Relays
) -> None:
    reseller, transport = a_priced_reseller(), FakeTransport()
    a_staff_user(reseller)

    own_funds(reseller, 2_000)
    work(connected, relays, transport)

    assert subjects(transport) == ["20,00 € eingezahlt"]
    assert "/reseller/balance" in text_of(read(transport.mails[0]))


def test_a_balance_that_falls_is_told_once_however_much_is_charged(
    connected: Database, relays: Relays
) -> None:
    wallet, transport = a_wallet(2_000), FakeTransport()
    work(connected, relays, transport)
    a_user_of(wallet)

    for _ in range(3):
        charge(wallet, "400")
        work(connected, relays, transport)

    assert subjects(transport) == ["Ihr Guthaben geht zur Neige"]
    assert "8,00" in text_of(read(transport.mails[0]))


def test_a_sweep_sends_what_is_due_and_leaves_the_rest(connected: Database) -> None:
    reseller = a_reseller()
    queue(reseller)
    transport = FakeTransport(refusal=ChannelError("unreachable", retryable=True))
    ports = replace(fake_ports(), post=fake_post(transport))
    sweep_messages(ports)
    first = lines_of(reseller)[0]
    transport.refusal = None

    sweep_messages(ports)
    too_early = lines_of(reseller)[0].attempts
    sweep_messages(replace(ports, clock=lambda: first.next_attempt_at or now()))

    assert (first.attempts, too_early) == (1, 1)
    assert subjects(transport) == ["Neues Passwort wählen"]


def test_a_message_that_cannot_be_read_stops_no_other_and_is_given_up(connected: Database) -> None:
    broken, reseller = a_reseller(), a_reseller()
    nowhere = {"tenant_id": str(new_id())}
    queue(broken, MessageKind.RESELLER_WELCOME, facts=nowhere)
    queue(reseller)
    transport, began = FakeTransport(), now()

    for hour in range(9):
        moment = began + timedelta(hours=hour)
        sweep_messages(replace(at(moment), post=fake_post(transport)))

    assert subjects(transport) == ["Neues Passwort wählen"]
    assert [(line.state, line.attempts, line.answer) for line in lines_of(broken)] == [
        (DeliveryState.FAILED, 8, "given_up")
    ]


def test_messages_are_forgotten_after_their_time(connected: Database) -> None:
    reseller = a_reseller()
    queue(reseller)

    forget_messages(at(now() + timedelta(days=179)), days=180)
    kept = len(lines_of(reseller))
    forget_messages(at(now() + timedelta(days=181)), days=180)

    assert (kept, len(lines_of(reseller))) == (1, 0)


def at(instant: datetime) -> Ports:
    return replace(fake_ports(), clock=lambda: instant)
