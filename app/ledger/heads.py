"""The exported heads: what a line says, and how it hangs on the one before (decision 0014)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

# What stands before the first line.
NOTHING = "0" * 64


class UnreadableLineError(ValueError):
    """A line that no export of ours has written."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal of a book, as of some moment."""

    book_id: UUID
    n: int
    seal_hash: bytes


@dataclass(frozen=True, slots=True)
class HeadLine:
    """One export: the heads that moved since the one before, and the root over all of them.

    `message` is what was signed; `digest` is what the next line carries as `previous`.
    """

    number: int
    at: datetime
    heads: Sequence[Head]
    root: str
    previous: str
    signature: bytes
    message: bytes
    digest: str


def write_line(
    *,
    number: int,
    at: datetime,
    heads: Sequence[Head],
    root: str,
    previous: str,
    sign: Callable[[bytes], bytes],
) -> str:
    """Return a signed line: canonical JSON without its end of line."""
    facts = {
        "line": number,
        "time": at.astimezone(UTC).isoformat(),
        "books": {str(head.book_id): [head.n, head.seal_hash.hex()] for head in heads},
        "root": root,
        "previous": previous,
    }
    return _canonical({**facts, "signature": sign(_canonical(facts).encode()).hex()})


def read_line(text: str) -> HeadLine:
    """Return what a line says. Refuses text that is not a line, or not written canonically."""
    try:
        facts = json.loads(text)
        signature = bytes.fromhex(facts.pop("signature"))
        line = HeadLine(
            number=int(facts["line"]),
            at=datetime.fromisoformat(facts["time"]),
            heads=[
                Head(UUID(book), int(n), bytes.fromhex(seal_hash))
                for book, (n, seal_hash) in facts["books"].items()
            ],
            root=str(facts["root"]),
            previous=str(facts["previous"]),
            signature=signature,
            message=_canonical(facts).encode(),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableLineError from error
    if _canonical({**facts, "signature": signature.hex()}) != text or line.at.tzinfo is None:
        raise UnreadableLineError
    return line


def root_of(heads: Mapping[UUID, Head]) -> str:
    """Return the hash over the heads of all books, in the order of their ids."""
    digest = hashlib.sha256()
    for book_id in sorted(heads):
        head = heads[book_id]
        digest.update(book_id.bytes + head.n.to_bytes(8, "big") + head.seal_hash)
    return digest.hexdigest()


def _canonical(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))
