"""Reads of and deletions from the outbox, over all tenants."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.kernel import cursor
from app.worker.messages import Envelope

_FIRST_TENANT = UUID(int=0)
_LAST_EVENT = 2**63 - 1

_READ = b"""
SELECT reseller_id, id, kind, body FROM outbox
 WHERE (reseller_id, id) > (%(tenant)s, %(event)s)
   AND kind = ANY (%(kinds)s) AND reseller_id <> ALL (%(without)s)
 ORDER BY reseller_id, id
 LIMIT %(size)s
"""
_TAKE_OUT = b"""
DELETE FROM outbox USING unnest(%s::uuid[], %s::bigint[]) AS gone (reseller_id, id)
 WHERE outbox.reseller_id = gone.reseller_id AND outbox.id = gone.id
RETURNING outbox.id
"""
_STRANGERS = b"SELECT kind, count(*) FROM outbox WHERE kind <> ALL (%s) GROUP BY kind"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next read goes on: behind this event of this tenant."""

    tenant: UUID = _FIRST_TENANT
    event: int = 0

    def after(self, batch: Sequence[Envelope], *, size: int) -> Position:
        """Return where to read after `batch`; the start again where the outbox ended.

        A tenant that filled a batch alone has had its turn: the next tenant follows.
        """
        if len(batch) < size:
            return Position()
        last = batch[-1]
        had_its_turn = batch[0].reseller_id == last.reseller_id
        return Position(last.reseller_id, _LAST_EVENT if had_its_turn else last.id)


def read(
    session: Session,
    position: Position,
    *,
    kinds: Collection[str],
    without: Collection[UUID],
    size: int,
) -> list[Envelope]:
    """Return the next events of these kinds, in order per tenant; skip the tenants in `without`."""
    rows = cursor(session).execute(
        _READ,
        {
            "tenant": position.tenant,
            "event": position.event,
            "kinds": list(kinds),
            "without": list(without),
            "size": size,
        },
    )
    return [Envelope(*row) for row in rows]


def take_out(session: Session, batch: Sequence[Envelope]) -> set[int]:
    """Delete the batch; return the ids of the events that were still there."""
    tenants = [event.reseller_id for event in batch]
    identifiers = [event.id for event in batch]
    return {row[0] for row in cursor(session).execute(_TAKE_OUT, [tenants, identifiers])}


def count_strangers(session: Session, *, kinds: Collection[str]) -> dict[str, int]:
    """Return how many events wait that are of none of these kinds, by kind."""
    return dict(cursor(session).execute(_STRANGERS, [list(kinds)]).fetchall())
