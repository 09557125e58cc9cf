from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from app.kernel import Money, cursor, new_id
from app.ledger.errors import InsufficientFundsError, KeyReusedError, TransferRefusedError

# Parameters in the order of the function in migration 0002; `%b` sends them in binary.
_POST = """
SELECT replayed, entry_id, posted, held, credit_limit, version
FROM ledger_post(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


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
    repetition from a misuse of the key; `watch` is the guarded account whose balance is answered.
    """

    book_id: UUID
    kind: str
    key: str
    input_hash: bytes
    effective_at: datetime
    transfers: Sequence[TransferDraft]
    watch: UUID


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a draft. Amounts in minor units; `posted` and `version` as just after it."""

    entry_id: UUID
    replayed: bool
    posted: int
    held: int
    credit_limit: int
    version: int


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
    try:
        row = cursor(session).execute(_POST, _parameters(draft)).fetchone()
    except psycopg.DatabaseError as refused:
        raise _refusal(refused, draft) from refused
    if row is None:
        raise TransferRefusedError(key=draft.key)
    replayed, entry_id, posted, held, credit_limit, version = row
    return Posted(entry_id, replayed, posted, held, credit_limit, version)


def _parameters(draft: EntryDraft) -> tuple[object, ...]:
    transfers = draft.transfers
    return (
        draft.book_id,
        new_id(),
        draft.kind,
        draft.key,
        draft.input_hash,
        draft.effective_at,
        [transfer.debit_id for transfer in transfers],
        [transfer.credit_id for transfer in transfers],
        [transfer.amount.minor for transfer in transfers],
        draft.watch,
    )


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
