"""From the commit that queues a message to the mail server's word that it has it."""

from __future__ import annotations

import time

import psycopg
from pydantic import SecretStr

from app.identity import Realm
from app.kernel import new_id, now, transaction
from app.notifications import MessageKind, Recipient, queue_message
from app.sandbox import start_sandbox
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
    stated,
)
from tests.benchmarks.loading import product_wallets
from tests.benchmarks.stage import HOST, Stage, worker_plan

PER_SECOND, SECONDS, RESELLERS = 20, 30, 10
MOST_SECONDS = 5.0
_PATIENCE_SECONDS = 60.0
_AGES = """
SELECT extract(epoch FROM d.sent_at - m.created_at)::float8
  FROM messages m JOIN message_deliveries d
    ON d.reseller_id = m.reseller_id AND d.message_id = m.id
 WHERE d.state = 'sent' ORDER BY 1
"""

HOW = f"""
A process queues {PER_SECOND} password resets a second for {SECONDS} seconds, for {RESELLERS}
resellers in turn, each in a transaction of its own. One worker process, run as `kontor worker`
starts it, renders each in its reseller's brand and hands it by SMTP, one connection each, to a
mail server on the loopback address, which keeps it in a file. The time of a message goes from the
queueing process's clock before its transaction to the worker's clock after the server's answer;
both are this machine's. Nothing is signed: no reseller has a domain.
"""


def measure(stage: Stage) -> list[Figure]:
    """Queue messages at a steady rate and read from the log when each was sent."""
    count = stage.count(PER_SECOND * SECONDS, quick=PER_SECOND)
    with start_sandbox(state=stage.directory / "mail.sqlite") as sandbox:
        address = SecretStr(f"smtp://{HOST}:{sandbox.mail_port}")
        settings = stage.database("messages").model_copy(update={"smtp_url": address})
        wallets = product_wallets(settings, wallets=RESELLERS, resellers=RESELLERS)
        scopes = [TenantScope(wallet.reseller.id) for wallet in wallets]
        with stage.serving(settings, worker_plan()):
            _queue(scopes, count)
            ages = _ages(settings, count)
    in_time = sum(age <= MOST_SECONDS for age in ages)
    return [
        required(
            f"messages sent within {MOST_SECONDS:g} s",
            "≥ 99 %",
            f"{in_time / count:.1%}",
            is_met=in_time >= 0.99 * count,
            detail=f"{in_time} of {count}",
        ),
        at_most("99 % are sent within", ages[int(0.99 * (count - 1))], MOST_SECONDS, unit="s"),
        stated("half are sent within", f"{ages[count // 2] * 1e3:.0f} ms"),
    ]


def _queue(scopes: list[TenantScope], count: int) -> None:
    started = time.monotonic()
    for number in range(count):
        scope = scopes[number % len(scopes)]
        with transaction(scope) as session:
            queue_message(
                session,
                scope,
                kind=MessageKind.PASSWORD_RESET,
                to=Recipient(Realm.CUSTOMER, None, f"u{number}@example.com", "Benchmark"),
                facts={"link_id": str(new_id())},
                key=str(number),
                now=now(),
            )
        due = started + (number + 1) / PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))


def _ages(settings: Settings, count: int) -> list[float]:
    """Return how long each message took, in seconds, the shortest first; wait for the last."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    url = settings.database_owner_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as owner:
        while time.monotonic() < deadline:
            ages = [row[0] for row in owner.execute(_AGES.encode())]
            if len(ages) == count:
                return ages
            time.sleep(0.2)
    raise BrokenMeasurementError(f"{len(ages)} of {count} messages were sent")


BENCHMARK = Benchmark("messages", "From queue to mail server", HOW, measure)
