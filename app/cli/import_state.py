"""How far an import has come, kept beside its file so that a killed one goes on where it was."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from app.cli.usage_files import FileFormat, Place, UsageFileError

# Enough to tell two files apart, soon read.
_HEAD = 64 * 1024
_TITLES = ("line", "id", "code", "reason")
# A cell that starts like a formula would run in a spreadsheet (OWASP: CSV injection).
_FORMULAS = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file: how much was read of it, and its SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, file: BinaryIO, size: int = _HEAD) -> Head:
        """Return the beginning of a file, at most so many bytes of it."""
        file.seek(0)
        beginning = file.read(size)
        return cls(len(beginning), hashlib.sha256(beginning).hexdigest())


@dataclass(frozen=True, slots=True)
class ImportState:
    """What is done: all lines before `place` are charged or written to the rejects.

    `target` says for whom; `outcomes` counts what became of the events; `rejects` is the size of
    the file of rejects in bytes.
    """

    target: str
    head: Head
    place: Place = field(default_factory=Place)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    rejects: int = 0

    def after(self, place: Place, outcomes: Sequence[str], *, rejects: int) -> ImportState:
        """Return the state when some more lines are done."""
        counted = Counter(self.outcomes) + Counter(outcomes)
        return replace(self, place=place, outcomes=dict(counted), rejects=rejects)


_STATE = TypeAdapter(ImportState)


class StateFile:
    """The state beside a file, replaced in one step each time."""

    def __init__(self, usage_file: Path) -> None:
        self._path = usage_file.with_name(f"{usage_file.name}.state")

    def read(self, file: BinaryIO, *, target: str) -> ImportState:
        """Return where an import of this file for this target stopped; a new one's beginning.

        Refuses the state of another file, of another target, and what is none.
        """
        try:
            state = _STATE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return ImportState(target, Head.of(file))
        except ValidationError as refused:
            raise UsageFileError(self._advice("cannot be read")) from refused
        if state.head != Head.of(file, state.head.size):
            raise UsageFileError(self._advice("belongs to a file that begins differently"))
        if state.place.offset > file.seek(0, os.SEEK_END):
            raise UsageFileError(self._advice("belongs to a longer file"))
        if state.target != target:
            raise UsageFileError(self._advice(f"belongs to an import for {state.target}"))
        return state

    def write(self, state: ImportState) -> None:
        """Keep the state; whoever is killed meanwhile leaves the one before."""
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("wb") as file:
            file.write(_STATE.dump_json(state))
            _to_disk(file)
        new.replace(self._path)

    def remove(self) -> None:
        """Forget the state of an import that is done."""
        self._path.unlink(missing_ok=True)

    def _advice(self, trouble: str) -> str:
        return (
            f"{self._path.name} {trouble}. Delete it to import from the beginning; "
            "what is charged already is not charged again."
        )


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that was not charged, and why."""

    line: int
    event_id: str | None
    code: str
    reason: str


class RejectFile:
    """The lines that were not charged, beside their file and in its format."""

    def __init__(self, usage_file: Path, form: FileFormat) -> None:
        self.path = usage_file.with_name(f"{usage_file.name}.rejects.{form.value}")
        self._form = form

    def cut(self, size: int) -> None:
        """Forget what was written after the last state; refuses a file that is shorter."""
        known = self.path.stat().st_size if self.path.exists() else 0
        if known < size:
            raise UsageFileError(f"{self.path.name} was changed: delete the .state file as well.")
        if size:
            os.truncate(self.path, size)
        else:
            self.path.unlink(missing_ok=True)

    def append(self, rejects: Sequence[Reject], *, size: int) -> int:
        """Write rejects behind the first `size` bytes; return the size then, surely on the disk."""
        if not rejects:
            return size
        lines = self._lines(rejects, with_titles=not size).encode()
        with self.path.open("ab") as file:
            file.write(lines)
            _to_disk(file)
        return size + len(lines)

    def _lines(self, rejects: Sequence[Reject], *, with_titles: bool) -> str:
        rows = [(each.line, each.event_id, each.code, each.reason) for each in rejects]
        if self._form is FileFormat.NDJSON:
            return "".join(f"{json.dumps(dict(zip(_TITLES, row, strict=True)))}\n" for row in rows)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if with_titles:
            writer.writerow(_TITLES)
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        return text.getvalue().encode("utf-8", "replace").decode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
