from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from app.kernel import Money, alone, new_id
from app.ledger.errors import InsufficientFundsError, KeyReusedError, TransferRefusedError

_POST = "SELECT * FROM {}({})"
_ARGUMENTS = 10


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
    repetition from a misuse of the key; `watch` is the guarded account whose balance is answered,
    None for an entry between shared accounts alone.
    """

    book_id: UUID
    kind: str
    key: str
    input_hash: bytes
    effective_at: datetime
    transfers: Sequence[TransferDraft]
    watch: UUID | None
    entry_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a draft. Amounts in minor units; `posted` and `version` as just after it.

    Zeros where the draft watched no account. `more` is what a function of another slice
    answered beside (see `post_through`).
    """

    entry_id: UUID
    replayed: bool
    posted: int
    held: int
    credit_limit: int
    version: int
    more: tuple[Any, ...] = ()


def fingerprint(facts: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of the facts in canonical JSON: equal input, equal hash."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).digest()


def post(session: Session, draft: EntryDraft) -> Posted:
    """Write one entry, or return the one already stored under its key, in one trip.

    Refuses, and then the whole transaction must be rolled back: a guarded account that cannot
    pay (InsufficientFundsError), a key that was used with other input (KeyReusedError), accounts
    that the rules do not join (TransferRefusedError). An entry without transfers costs nothing
    and still binds its key.
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
        raise _refusal(refused, draft) from refused
    if found is None:
        return None
    replayed, entry_id, posted, held, credit_limit, version, *more = found
    if entry_id is None:
        # Booked before, but not on the watched account: there is no answer to repeat.
        raise TransferRefusedError(key=draft.key, kind=draft.kind)
    return Posted(
        entry_id, replayed, posted or 0, held or 0, credit_limit or 0, version or 0, tuple(more)
    )


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
        _array(transfer.debit_id for transfer in transfers),
        _array(transfer.credit_id for transfer in transfers),
        _array(transfer.amount.minor for transfer in transfers),
        draft.watch,
    ]


def _array(values: Iterable[UUID | int]) -> str:
    """Return PostgreSQL's text form of an array; several times cheaper than the driver's own."""
    parts = (value.hex if isinstance(value, UUID) else str(value) for value in values)
    return f"{{{','.join(parts)}}}"


def _refusal(error: psycopg.DatabaseError, draft: EntryDraft) -> Exception:
    """Return the typed refusal behind one of the function's SQLSTATEs; else the error itself."""
    if error.sqlstate == "KL001":
        facts = json.loads(error.diag.message_detail or "{}")
        currency = next(transfer.amount.currency for transfer in draft.transfers)
        return InsufficientFundsError(currency=currency, **facts)
    if error.sqlstate == "KL002":
        return KeyReusedError(key=draft.key)
    if error.sqlstate in {"KL003", "23514"}:
        return TransferRefusedError(key=draft.key, kind=draft.kind)
    return error
