"""Every task a job can name. Defer one with `kernel.defer(session, "<name>", **arguments)`."""

from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import structlog

from app import billing, commissions, identity, ledger, onboarding, payments
from app.kernel import AppError, transaction
from app.ledger import Reach
from app.ports import Ports
from app.tenancy import PlatformScope, TenantScope, list_resellers
from app.worker.registry import task

_log = structlog.get_logger(__name__)
_PLATFORM = PlatformScope()
# How long a webhook and its job may take before the sweeper asks the processor itself.
_PATIENCE = timedelta(minutes=2)
# So long a link that has expired still says so; then it is unknown.
_LINKS_KEPT = timedelta(days=30)


@task("forget_counterparties")
def forget_counterparties(ports: Ports, *, days: int) -> None:
    """Wipe third parties' numbers that are older than `days` (requirement M3), tenant by tenant."""
    before = ports.clock() - timedelta(days=days)
    with transaction(_PLATFORM) as session:
        scopes = [TenantScope(tenant.id) for tenant in list_resellers(session, _PLATFORM)]
    forgotten = 0
    for scope in scopes:
        with transaction(scope) as session:
            forgotten += billing.forget_counterparties(session, scope, before=before)
    _log.info("counterparties_forgotten", records=forgotten, days=days)


@task("expire_sessions")
def expire_sessions(ports: Ports) -> None:
    """Delete sign-in sessions whose time is over."""
    with transaction(_PLATFORM) as session:
        ended = identity.delete_expired_sessions(session, _PLATFORM, now=ports.clock())
    _log.info("sessions_expired", sessions=ended)


@task("forget_links")
def forget_links(ports: Ports) -> None:
    """Delete mailed links that expired long ago, and with them what was typed to register."""
    with transaction(_PLATFORM) as session:
        gone = identity.forget_links(session, _PLATFORM, before=ports.clock() - _LINKS_KEPT)
    _log.info("links_forgotten", links=gone)


@task(payments.HANDLE_EVENT_TASK)
def handle_payment_event(ports: Ports, *, event_id: str) -> None:
    """Do what a stored event of the payment processor asks for.

    The effect and the mark stand in two transactions (a site's and the platform's sign-in): after
    a crash between them the effect is repeated, and changes nothing the second time (R4.6).
    """
    with transaction(_PLATFORM) as session:
        event = payments.read_event(session, _PLATFORM, event_id=event_id)
    if event is None or event.handled:
        return
    try:
        outcome = billing.apply_event(
            ports.gateway, kind=event.kind, payload=event.payload, now=ports.clock()
        )
    except (billing.AmountMismatchError, payments.PaymentClaimedError) as refused:
        # No retry makes these right: no credit, and a person must look (R1.3).
        _log.error("payment_event_refused", event_id=event_id, code=refused.code)
        outcome = refused.code
    with transaction(_PLATFORM) as session:
        payments.mark_handled(
            session, _PLATFORM, event_id=event_id, outcome=outcome, now=ports.clock()
        )


def _confirm(ports: Ports, scope: TenantScope, top_up_id: UUID) -> None:
    """Ask about one top-up; one that cannot be decided does not hold up the others."""
    try:
        billing.confirm_top_up(ports.gateway, scope, top_up_id=top_up_id, now=ports.clock())
    except AppError as refused:
        _log.warning("top_up_undecided", top_up_id=str(top_up_id), code=refused.code)


@task("review_trials")
def review_trials(ports: Ports) -> None:
    """Close trials that are over, remind of those that end soon, forget what nobody confirmed.

    Web processes know a closed site within the life of their memory, 30 seconds.
    """
    now = ports.clock()
    with transaction(_PLATFORM) as session:
        reminded = onboarding.remind_of_trials(session, _PLATFORM, now=now)
        closed = onboarding.close_trials(session, _PLATFORM, now=now)
        forgotten = onboarding.forget_sign_ups(session, _PLATFORM, now=now)
    _log.info("trials_reviewed", reminded=reminded, closed=len(closed), forgotten=forgotten)


@task("sweep_payments")
def sweep_payments(ports: Ports) -> None:
    """Find what no webhook told: events left lying and pages that were paid or ran out."""
    now = ports.clock()
    with transaction(_PLATFORM) as session:
        scopes = [TenantScope(tenant.id) for tenant in list_resellers(session, _PLATFORM)]
        events = payments.unhandled_events(session, _PLATFORM, received_before=now - _PATIENCE)
    for event_id in events:
        try:
            handle_payment_event(ports, event_id=event_id)
        except AppError as refused:
            _log.warning("payment_event_undecided", event_id=event_id, code=refused.code)
    for scope in scopes:
        with transaction(scope) as session:
            waiting = billing.pending_top_ups(session, scope, before=now - _PATIENCE)
        for top_up in waiting:
            _confirm(ports, scope, top_up.id)


@task("verify_books", retries=2)
def verify_books(ports: Ports) -> None:
    """Prove every law of the books; freeze a wallet whose money is in doubt and raise an alarm."""
    _prove(ports, Reach.WHOLE)


@task("verify_new_bookings", retries=2)
def verify_new_bookings(ports: Ports) -> None:
    """Prove what was booked since the last proof; freeze and raise an alarm likewise."""
    _prove(ports, Reach.NEW)


def _prove(ports: Ports, reach: Reach) -> None:
    proof = billing.prove_books(ports.heads, _PLATFORM, now=ports.clock(), reach=reach, freeze=True)
    if proof.broken:
        _log.critical(
            "books_broken",
            reach=reach.value,
            broken={check.name: len(check.broken) for check in proof.broken},
            frozen_wallets=[str(each.id) for each in proof.frozen],
        )
    else:
        _log.info("books_verified", reach=reach.value, laws=len(proof.checks))


@task("export_heads", retries=2)
def export_heads(ports: Ports) -> None:
    """Write the heads of the books outside the database; say where their file has lost lines."""
    try:
        line = ledger.export_heads(ports.heads, _PLATFORM, now=ports.clock())
    except AppError as refused:
        # No retry brings them back: a person must look.
        _log.critical("heads_not_exported", code=refused.code, **refused.facts)
    else:
        _log.info("heads_exported", line=line)


@task("retier")
def retier(ports: Ports) -> None:
    """Let every book's shares follow the volume of the month."""
    with transaction(_PLATFORM) as session:
        moved = commissions.retier(session, _PLATFORM, now=ports.clock())
    if moved:
        _log.info("commission_retiered", books=moved)


@task("close_months")
def close_months(ports: Ports) -> None:
    """Close every month that is over and open; one that was begun is gone on with."""
    for closing in billing.close_months(now=ports.clock()):
        _log.info(
            "month_closed",
            month=f"{closing.month:%Y-%m}",
            statements=closing.statements,
            trued_up=closing.trued_up,
        )


@task("grant_new_customer_bonus")
def grant_new_customer_bonus(ports: Ports, *, reseller_id: str, wallet_id: str) -> None:
    """Grant the bonus for a customer's first settled top-up, if this reseller has agreed one."""
    scope = TenantScope(UUID(reseller_id))
    with transaction(scope) as session:
        billing.grant_new_customer_bonus(
            session, scope, wallet_id=UUID(wallet_id), now=ports.clock()
        )


@task("grant_bonuses")
def grant_bonuses(ports: Ports) -> None:
    """Grant what customers have earned their resellers by staying and by using much."""
    with transaction(_PLATFORM) as session:
        scopes = [TenantScope(tenant.id) for tenant in list_resellers(session, _PLATFORM)]
    granted = 0
    for scope in scopes:
        with transaction(scope) as session:
            granted += len(billing.grant_due_bonuses(session, scope, now=ports.clock()))
    _log.info("bonuses_granted", bonuses=granted)


@task("expire_holds")
def expire_holds(_ports: Ports) -> None:
    """Write down which holds have expired, and say so to open pages (requirement C5).

    They count as free without it: this keeps the list of open holds short and the pages true.
    """
    with transaction(_PLATFORM) as session:
        overdue = ledger.overdue_accounts(session)
    expired = 0
    for book, accounts in groupby(overdue, key=itemgetter(0)):
        scope = TenantScope(book)
        with transaction(scope) as session:
            expired += billing.expire_holds(
                session, scope, accounts=[account for _, account in accounts]
            )
    if expired:
        _log.info("holds_expired", holds=expired)


@task("expire_bonuses")
def expire_bonuses(ports: Ports) -> None:
    """Give back what is left of bonus lots whose time is over (requirement C9)."""
    now = ports.clock()
    expired = sum(billing.expire_bonuses(scope, now=now) for scope in _resellers())
    if expired:
        _log.info("bonuses_expired", lots=expired)


@task("charge_fees")
def charge_fees(ports: Ports) -> None:
    """Charge every recurring fee that is due, and try again what was refused before (C10)."""
    now = ports.clock()
    runs = [billing.charge_due_fees(scope, now=now) for scope in _resellers()]
    charged, refused = sum(run.charged for run in runs), sum(run.refused for run in runs)
    if charged or refused:
        _log.info("fees_charged", periods=charged, refused=refused)


def _resellers() -> list[TenantScope]:
    with transaction(_PLATFORM) as session:
        return [TenantScope(tenant.id) for tenant in list_resellers(session, _PLATFORM)]
