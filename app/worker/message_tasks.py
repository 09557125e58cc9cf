"""Tasks around messages: sending them, and what other events have to tell a person."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from app import billing, notifications
from app.kernel import transaction
from app.ports import Ports
from app.tenancy import PlatformScope, TenantScope
from app.worker.registry import task
from app.worker.relay import OUTAGES

_log = structlog.get_logger(__name__)
_PLATFORM = PlatformScope()


@task(notifications.DELIVER_TASK)
def deliver_message(ports: Ports, *, reseller_id: str, message_id: str) -> None:
    """Send a message that was queued, or is due again."""
    notifications.deliver_message(
        ports.post, TenantScope(UUID(reseller_id)), message_id=UUID(message_id), clock=ports.clock
    )


@task("sweep_messages")
def sweep_messages(ports: Ports) -> None:
    """Send what waits for its next attempt, and what a worker that died left lying."""
    with transaction(_PLATFORM) as session:
        due = notifications.due_messages(session, _PLATFORM, now=ports.clock())
    for reseller_id, message_id in due:
        try:
            notifications.deliver_message(
                ports.post, TenantScope(reseller_id), message_id=message_id, clock=ports.clock
            )
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001 - one message that cannot be sent must not stop the rest
            _log.exception("message_broken", message_id=str(message_id))
    if due:
        _log.info("messages_swept", messages=len(due))


@task("forget_messages")
def forget_messages(ports: Ports, *, days: int) -> None:
    """Delete messages older than `days` with their addresses (requirement M3)."""
    with transaction(_PLATFORM) as session:
        forgotten = notifications.forget_messages(
            session, _PLATFORM, before=ports.clock() - timedelta(days=days)
        )
    _log.info("messages_forgotten", messages=forgotten, days=days)


@task("write_receipt")
def write_receipt(ports: Ports, *, reseller_id: str, top_up_id: str) -> None:
    """Queue the receipts of a settled top-up."""
    scope = TenantScope(UUID(reseller_id))
    with transaction(scope) as session:
        billing.queue_receipt(session, scope, top_up_id=UUID(top_up_id), now=ports.clock())


@task("tell_low_balance")
def tell_low_balance(ports: Ports, *, reseller_id: str, wallet_id: str, fall_id: str) -> None:
    """Queue what a customer is told when her balance runs low."""
    scope = TenantScope(UUID(reseller_id))
    with transaction(scope) as session:
        billing.queue_low_balance(
            session, scope, wallet_id=UUID(wallet_id), fall_id=UUID(fall_id), now=ports.clock()
        )
