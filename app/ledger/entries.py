from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from app.kernel import Money, alone, new_id
from app.ledger.errors import (
    BooksMovedError,
    HoldClosedError,
    InsufficientFundsError,
    KeyReusedError,
    TransferRefusedError,
)

_POST = "SELECT * FROM {}({})"
_ARGUMENTS = 12
# Whoever binds a key and then waits for an account may meet whoever did it the other way round.
_DEADLOCK = "40P01"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True)
class TransferDraft:
    """`amount` (more than zero) to be moved from the debit to the credit account."""

    debit_id: UUID
    credit_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """One business fact, ready to post.

    `key` names the fact within its book for ever; `input_hash` (see `fingerprint`) tells a
    repetition from a misuse of the key. `watch` is the guarded account whose balance is
    answered, `guarded` names the others of the transfers. `hold_id` is the hold that is captured.
    """

    book_id: UUID
    kind: str
    key: str
    input_hash: bytes
    effective_at: datetime
    transfers: Sequence[TransferDraft]
    watch: UUID | None = None
    guarded: Sequence[UUID] = ()
    hold_id: UUID | None = None
    entry_id: UUID = field(default_factory=new_id)

    def guarded_accounts(self) -> list[UUID]:
        """Return all guarded accounts in the order in which they are locked."""
        if self.watch is None or not self.guarded:
            return [self.watch] if self.watch else sorted(set(self.guarded))
        return sorted({self.watch, *self.guarded})


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a draft. Amounts in minor units; `posted` and `version` as just after it.

    An entry without guarded accounts answers zeros. `more` is what a function of another slice
    answered beside (see `post_through`).
    """

    entry_id: UUID
    replayed: bool
    posted: int
    held: int
    credit_limit: int
    version: int
    revision: int
    more: tuple[Any, ...] = ()


def fingerprint(facts: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of the facts in canonical JSON: equal input, equal hash."""
    return hashlib.sha256(_CANONICAL.encode(facts).encode()).digest()


def post(session: Session, draft: EntryDraft) -> Posted:
    """Write one entry, or return the one already stored under its key, in one trip.

    Refuses, and then the whole transaction must be rolled back: a guarded account that cannot
    pay (InsufficientFundsError), a key that was used with other input (KeyReusedError), accounts
    that the rules do not join or a guarded one that is not named (TransferRefusedError), a hold
    that is not open any more (HoldClosedError), somebody who did the same in another order
    (BooksMovedError: again). An entry without transfers costs nothing and still binds its key.
    """
    posted = post_through(session, draft, function="ledger_post")
    if posted is None:
        raise TransferRefusedError(key=draft.key)
    return posted


def post_through(
    session: Session, draft: EntryDraft, *, function: str, arguments: Sequence[object] = ()
) -> Posted | None:
    """Post by a function of another slice that calls `ledger_post` and writes rows of its own.

    It takes the arguments of `ledger_post`, then `arguments`, and returns the same columns, then
    others of its own; None where it returned no row, which is for its caller to understand. In a
    `sole` transaction it is the whole of it, and names the book by itself. Refuses as `post` does.
    """
    statement = _statement(function, len(arguments))
    try:
        found = alone(session, statement, [*_parameters(draft), *arguments])
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key=draft.key, currency=_currency(draft)) from refused
    if found is None:
        return None
    replayed, entry_id, posted, held, credit_limit, version, revision, *more = found
    if entry_id is None or (draft.watch and version is None):
        # Booked before, but not on the watched account: there is no answer to repeat.
        raise TransferRefusedError(key=draft.key, kind=draft.kind)
    return Posted(
        entry_id,
        replayed,
        posted or 0,
        held or 0,
        credit_limit or 0,
        version or 0,
        revision or 0,
        tuple(more),
    )


def refusal(error: psycopg.DatabaseError, *, key: str, currency: str = "") -> Exception:
    """Return the typed refusal behind one of the functions' SQLSTATEs; else the error itself."""
    if error.sqlstate == "KL001":
        facts = json.loads(error.diag.message_detail or "{}")
        return InsufficientFundsError(currency=currency, **facts)
    if error.sqlstate == "KL002":
        return KeyReusedError(key=key)
    if error.sqlstate in {"KL003", "23514"}:
        return TransferRefusedError(key=key)
    if error.sqlstate in {"KL004", _DEADLOCK}:
        return BooksMovedError()
    if error.sqlstate == "KL005":
        return HoldClosedError()
    return error


def as_array(values: Iterable[UUID | int]) -> str:
    """Return PostgreSQL's text form of an array; several times cheaper than the driver's own."""
    parts = (value.hex if isinstance(value, UUID) else str(value) for value in values)
    return f"{{{','.join(parts)}}}"


def as_text_array(values: Iterable[object]) -> str:
    """Return PostgreSQL's text form of an array of anything that has a text; None is NULL."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    kind = type(value)
    if kind is UUID or kind is int or kind is Decimal:
        return str(value)
    text = str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


@lru_cache(maxsize=16)
def _statement(function: str, more: int) -> bytes:
    """Return the call of a function of ours: its name never comes from outside."""
    return _POST.format(function, ", ".join(["%s"] * (_ARGUMENTS + more))).encode()


def _parameters(draft: EntryDraft) -> list[object]:
    transfers = draft.transfers
    return [
        draft.book_id,
        draft.entry_id,
        draft.kind,
        draft.key,
        draft.input_hash,
        draft.effective_at,
        as_array(transfer.debit_id for transfer in transfers),
        as_array(transfer.credit_id for transfer in transfers),
        as_array(transfer.amount.minor for transfer in transfers),
        draft.watch,
        as_array(draft.guarded_accounts()),
        draft.hold_id,
    ]


def _currency(draft: EntryDraft) -> str:
    return next((transfer.amount.currency for transfer in draft.transfers), "")
