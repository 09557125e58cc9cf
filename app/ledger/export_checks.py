"""Proof of the exported heads, and of the books against them (decision 0014)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.kernel import Scope, SignIn, cursor, transaction
from app.ledger.errors import PartialViewError
from app.ledger.exports import Kept, read_kept
from app.ledger.heads import NOTHING, Head, HeadLine, UnreadableLineError, read_line, root_of
from app.ledger.ports import HeadLog
from app.ledger.verification import BrokenRow, Check

# Heads compared with the database in one query.
_AT_ONCE = 5_000

_STRANGERS = b"""
SELECT h.place
  FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[])
       WITH ORDINALITY AS h (book_id, n, seal_hash, place)
  LEFT JOIN ledger_seals s ON s.book_id = h.book_id AND s.n = h.n AND s.seal_hash = h.seal_hash
 WHERE s.n IS NULL
"""


def examine_export(log: HeadLog, scope: Scope, *, since: datetime | None = None) -> list[Check]:
    """Check every exported line and the books against it. Refuses any scope but the platform's.

    With `since` only the lines from then on and the one before them, however many there are.
    """
    if scope.sign_in is not SignIn.PLATFORM:
        raise PartialViewError("examine_export")
    # Before the lines: what is exported meanwhile stands on a line that we do read.
    with transaction(scope) as session:
        kept = read_kept(session)
    texts, from_first = (log.lines(), True) if since is None else _lines_since(log, since)
    reading = _Reading(log, scope, kept, from_first)
    reading.read(texts)
    return reading.checks()


def _lines_since(log: HeadLog, since: datetime) -> tuple[list[str], bool]:
    """Return the lines from the last one before `since`, and whether that is all of them."""
    found: list[str] = []
    for text in log.latest_lines():
        found.append(text)
        try:
            if read_line(text).at < since:
                return found[::-1], False
        except UnreadableLineError:
            continue
    return found[::-1], True


@dataclass
class _Reading:
    """What is known after some lines, and what was wrong with them.

    A line is called by its number. `number`, `previous` and `heads` are those of the last line
    read; None where lines are missing before it.
    """

    log: HeadLog
    scope: Scope
    kept: Sequence[Kept]
    from_first: bool
    lines: int = 0
    compared: int = 0
    unsigned: list[BrokenRow] = field(default_factory=list)
    misplaced: list[BrokenRow] = field(default_factory=list)
    strangers: list[BrokenRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._number = 0 if self.from_first else None
        self._previous = NOTHING if self.from_first else None
        self._heads: dict[UUID, Head] | None = {} if self.from_first else None
        self._first = 0
        self._wanted = {(each.line, each.head) for each in self.kept}
        self._seen: set[tuple[int, Head]] = set()
        self._waiting: list[tuple[int, Head]] = []

    def read(self, texts: Iterable[str]) -> None:
        """Read the lines in their order."""
        for text in texts:
            self.lines += 1
            try:
                line = read_line(text)
            except UnreadableLineError:
                self._number = None if self._number is None else self._number + 1
                self._heads = None
                self.misplaced.append(_row(f"line {self._number or 'unknown'}: cannot be read"))
            else:
                self._read_one(line)
            self._previous = hashlib.sha256(text.encode()).hexdigest()
        self._compare()

    def checks(self) -> list[Check]:
        """Return what became of the four laws of the export."""
        asked = [each for each in self.kept if self.from_first or each.line >= self._first]
        gone = [each for each in asked if (each.line, each.head) not in self._seen]
        return [
            Check(
                "head-is-signed",
                "Every exported line is signed with our key",
                self.lines,
                self.unsigned,
            ),
            Check(
                "head-follows-head",
                "Every exported line carries the hash of the one before and the root of all heads",
                self.lines,
                self.misplaced,
            ),
            Check(
                "head-is-sealed",
                "Every exported head is still that seal of its book",
                self.compared,
                self.strangers,
            ),
            Check(
                "head-stays",
                "The last exported head of every book still stands on its line",
                len(asked),
                [_broken(each.line, each.head) for each in gone],
            ),
        ]

    def _read_one(self, line: HeadLine) -> None:
        if not self.log.has_signed(line.message, line.signature):
            self.unsigned.append(_row(f"line {line.number}"))
        self._place(line)
        found = {(line.number, head) for head in line.heads}
        self._seen |= found & self._wanted
        self._waiting += found
        if len(self._waiting) >= _AT_ONCE:
            self._compare()

    def _place(self, line: HeadLine) -> None:
        """Check that a line hangs on the one before, and its root on all heads so far."""
        follows = line.number - 1 == self._number if self._number is not None else True
        if self._previous is not None and line.previous != self._previous:
            follows = False
        if not follows:
            self.misplaced.append(_row(f"line {line.number}: does not follow the one before"))
            self._heads = None
        if self._heads is not None:
            self._heads.update((head.book_id, head) for head in line.heads)
            if root_of(self._heads) != line.root:
                self.misplaced.append(_row(f"line {line.number}: has another root"))
        self._number = line.number
        self._first = self._first or line.number

    def _compare(self) -> None:
        """Ask the database for the heads that were read since the last time."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self.compared += len(waiting)
        columns = [
            [head.book_id for _, head in waiting],
            [head.n for _, head in waiting],
            [head.seal_hash for _, head in waiting],
        ]
        with transaction(self.scope) as session:
            places = sorted(row[0] for row in cursor(session).execute(_STRANGERS, columns))
        self.strangers += [_broken(*waiting[place - 1]) for place in places]


def _broken(line: int, head: Head) -> BrokenRow:
    return BrokenRow(f"line {line}: seal {head.n} of book {head.book_id}", head.book_id, None)


def _row(text: str) -> BrokenRow:
    return BrokenRow(text, None, None)
