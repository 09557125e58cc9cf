"""A real worker process for tests, with a task of the tests' own; run as `python -m`.

Arguments: application URL, platform URL, Redis URL.
"""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from app import ledger
from app.integrations.redis_live import RedisBell, RedisBellListener, RedisLive, connect_redis
from app.kernel import Money, SignIn, connect, make_engine, transaction
from app.ledger import EntryDraft, TransferDraft
from app.payments import PaymentGateway
from app.ports import Ports
from app.tenancy import TenantScope
from app.worker import WorkerConfiguration, run_worker
from app.worker.registry import task
from tests.fakes import fake_ports

SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@task("test_pay_in")
def pay_in(ports: Ports, *, book: str, clearing: str, account: str, key: str) -> None:
    """Pay in a cent under a key, slowly enough to be killed in the middle."""
    scope = TenantScope(UUID(book))
    with transaction(scope) as session:
        ledger.post(
            session,
            EntryDraft(
                book_id=scope.reseller_id,
                kind="top_up",
                key=key,
                input_hash=ledger.fingerprint({"key": key}),
                effective_at=SOME_DAY,
                transfers=[TransferDraft(UUID(clearing), UUID(account), Money(1, "EUR"))],
                watch=UUID(account),
            ),
        )
        time.sleep(0.005)
    time.sleep(0.005)


def driver_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def main(application_url: str, platform_url: str, redis_url: str) -> None:
    ports = replace(
        fake_ports(clock=lambda: datetime.now(UTC)),
        gateway=cast("PaymentGateway", None),
        live=RedisLive(connect_redis(redis_url)),
        bell=RedisBell(redis_url),
    )
    engines = {
        SignIn.APPLICATION: make_engine(driver_url(application_url)),
        SignIn.PLATFORM: make_engine(driver_url(platform_url)),
    }
    connect(engines, after_emit=ports.bell.ring)
    run_worker(
        WorkerConfiguration(
            database_url=application_url,
            database_platform_url=platform_url,
            heartbeat=0.5,
            stalled_after=2.0,
            roll_up_every=0.2,
        ),
        ports,
        wakeup=RedisBellListener(redis_url),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
