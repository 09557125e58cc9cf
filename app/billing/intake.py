"""Usage from outside: one event or very many, of one reseller or of all (requirement C12).

Recipes that open transactions of their own. Many events are charged chunk by chunk, each chunk of
a reseller in one transaction; whatever is refused of one event leaves the others alone. Events may
be sent again, all or some: each is charged once (requirement C3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

import psycopg
import structlog

from app import identity
from app.billing.careful_charges import Outcome, charge_with_care
from app.billing.charges import charge_usage
from app.billing.errors import MalformedUsageError, SubjectNeededError, UnknownSubjectError
from app.billing.moving_books import while_books_move
from app.billing.reported import Reported, ReportedUsage, Result
from app.billing.usage import Charge, UsageEvent
from app.identity import SubjectHolder
from app.kernel import AppError, transaction
from app.tenancy import PlatformScope, TenantScope

CHUNK = 1_000
Holder = SubjectHolder | AppError
Finder = Callable[[Sequence[ReportedUsage]], list[Holder]]

_log = structlog.get_logger(__name__)


def take_in(
    scope: TenantScope, reported: Iterable[Reported], *, now: datetime, chunk: int = CHUNK
) -> Iterator[Result]:
    """Charge a reseller's events one after the other; yield a result for each, in their order.

    A chunk is read, charged and committed before its first result is yielded: whoever stops
    asking leaves the rest uncharged. Each event may be refused with what `charge_usage` refuses,
    and for a subject that was nobody's here at the time of use. Nothing is refused as a whole.
    """
    return _take_in(reported, partial(_holders_here, scope), now, chunk)


def take_in_everywhere(
    reported: Iterable[Reported], *, now: datetime, chunk: int = CHUNK
) -> Iterator[Result]:
    """Charge events of all resellers, as `take_in`, for the platform's own meter.

    Each names its subject, which says whose customer paid at the time of use; an event with a
    customer's id instead is refused.
    """
    return _take_in(reported, _holders_everywhere, now, chunk)


def take_in_event(scope: TenantScope, reported: ReportedUsage, *, now: datetime) -> Charge:
    """Charge one event of a reseller; raises what `take_in` would say of it."""
    return _take_in_event(reported, partial(_holders_here, scope), now)


def take_in_event_anywhere(reported: ReportedUsage, *, now: datetime) -> Charge:
    """Charge one event of whatever reseller; raises what `take_in_everywhere` would say of it."""
    return _take_in_event(reported, _holders_everywhere, now)


def _take_in(
    reported: Iterable[Reported], find: Finder, now: datetime, chunk: int
) -> Iterator[Result]:
    waiting = iter(reported)
    while some := list(islice(waiting, chunk)):
        yield from _take_in_chunk(some, find, now)


def _take_in_chunk(some: Sequence[Reported], find: Finder, now: datetime) -> list[Result]:
    results = {place: each for place, each in enumerate(some) if isinstance(each, Result)}
    events = {place: each for place, each in enumerate(some) if isinstance(each, ReportedUsage)}
    by_reseller: defaultdict[TenantScope, dict[int, UsageEvent]] = defaultdict(dict)
    holders = _holders(find, [*events.values()])
    for (place, event), holder in zip(events.items(), holders, strict=True):
        if isinstance(holder, AppError):
            results[place] = Result(event.event_id, holder)
        else:
            by_reseller[TenantScope(holder.reseller_id)][place] = _usage(event, holder)
    for scope, usages in by_reseller.items():
        outcomes = _charge_together(scope, [*usages.values()], now)
        for (place, usage), outcome in zip(usages.items(), outcomes, strict=True):
            results[place] = Result(usage.event_id, outcome)
    return [results[place] for place in range(len(some))]


def _take_in_event(reported: ReportedUsage, find: Finder, now: datetime) -> Charge:
    (holder,) = find([reported])
    if isinstance(holder, AppError):
        raise holder
    return _charge_alone(TenantScope(holder.reseller_id), _usage(reported, holder), now)


def _charge_together(
    scope: TenantScope, usages: Sequence[UsageEvent], now: datetime
) -> Sequence[Outcome]:
    """Charge events of one reseller in one transaction; one by one where that is refused.

    So they are, too, where the database cannot read one of them: the others are charged.
    """

    def charge() -> list[Outcome]:
        with transaction(scope) as session:
            return charge_with_care(session, scope, usages=usages, now=now)

    with suppress(AppError, psycopg.DataError):
        return while_books_move(charge)
    return [_outcome(scope, usage, now) for usage in usages]


def _outcome(scope: TenantScope, usage: UsageEvent, now: datetime) -> Outcome:
    try:
        return _charge_alone(scope, usage, now)
    except AppError as refused:
        return refused
    except psycopg.DataError as unreadable:
        return _not_read(usage.event_id, unreadable)


def _charge_alone(scope: TenantScope, usage: UsageEvent, now: datetime) -> Charge:
    def charge() -> Charge:
        with transaction(scope, sole=True) as session:
            return charge_usage(session, scope, usage=usage, now=now)

    return while_books_move(charge)


def _holders(find: Finder, events: Sequence[ReportedUsage]) -> list[Holder]:
    """Return whose each event is, asked one by one where the database cannot read one of them."""
    with suppress(psycopg.DataError):
        return find(events)
    return [_holder(find, event) for event in events]


def _holder(find: Finder, event: ReportedUsage) -> Holder:
    try:
        (holder,) = find([event])
    except psycopg.DataError as unreadable:
        return _not_read(event.event_id, unreadable)
    return holder


def _not_read(event_id: str, error: psycopg.DataError) -> AppError:
    """Return the refusal of an event that we called well formed and the database does not.

    That is a bug of ours, and is logged as one; its neighbours must not wait until it is mended.
    The database's message repeats values, which are no matter of a log (requirement M3).
    """
    _log.error("usage_event_not_read", event_id=event_id, sqlstate=error.sqlstate)
    errors = [{"field": "body", "reason": "The database cannot read this event"}]
    return MalformedUsageError(errors=errors)


def _holders_here(scope: TenantScope, events: Sequence[ReportedUsage]) -> list[Holder]:
    """Return whose each event is; a customer's id is believed, for the charge looks it up."""
    asked = [(each.subject, each.occurred_at) for each in events if each.subject is not None]
    found: Iterator[UUID | None] = iter(())
    if asked:
        with transaction(scope) as session:
            found = iter(identity.find_customers(session, scope, asked))
    ids = (next(found) if each.customer_id is None else each.customer_id for each in events)
    return [
        UnknownSubjectError() if each is None else SubjectHolder(scope.reseller_id, each)
        for each in ids
    ]


def _holders_everywhere(events: Sequence[ReportedUsage]) -> list[Holder]:
    scope = PlatformScope()
    asked = [(each.subject, each.occurred_at) for each in events if each.subject is not None]
    with transaction(scope) as session:
        found = iter(identity.find_owners(session, scope, asked))
    return [
        SubjectNeededError() if each.subject is None else next(found) or UnknownSubjectError()
        for each in events
    ]


def _usage(reported: ReportedUsage, holder: SubjectHolder) -> UsageEvent:
    subject = reported.subject
    return UsageEvent(
        event_id=reported.event_id,
        customer_id=holder.customer_id,
        meter=reported.meter,
        quantity=reported.quantity,
        occurred_at=reported.occurred_at,
        counterparty=reported.counterparty,
        subject=None if subject is None else identity.normalise_subject(subject),
    )
