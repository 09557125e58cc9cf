"""Files of usage events, CSV or NDJSON: a line is an event, and can be found again by its place."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from app.billing import Reported, read_reported, read_reported_line, unreadable
from app.cli.errors import CommandRefusedError

# No event is nearly so long: what is, is no line of a usage file.
LONGEST_LINE = 64 * 1024
NEEDED = ("id", "meter", "quantity", "occurred_at")
PAYERS = ("customer_id", "subject")
COLUMNS = (*NEEDED, *PAYERS, "counterparty")
_MARK = b"\xef\xbb\xbf"


class FileFormat(Enum):
    """What the lines of a file are."""

    CSV = "csv"
    NDJSON = "ndjson"


_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".ndjson": FileFormat.NDJSON,
    ".jsonl": FileFormat.NDJSON,
}


class UsageFileError(CommandRefusedError):
    """The file is none of usage, or another one than before."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two lines: how many bytes and lines come before it."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A line that is not empty: what it reports, and the place behind it."""

    event: Reported
    end: Place

    @property
    def number(self) -> int:
        """Return the line's number as editors count, from 1."""
        return self.end.lines


def format_of(path: Path, asked: str | None) -> FileFormat:
    """Return the format that was asked for or that the file's name ends in; refuses others."""
    if asked is not None:
        return FileFormat(asked)
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageFileError(f"{path.name} ends in neither .csv nor .ndjson: name its --format")
    return found


def read_usage(file: BinaryIO, form: FileFormat, start: Place) -> Iterator[UsageLine]:
    """Return the lines of a file from a place on; one that is no event has its refusal.

    CSV has a header with the names of the columns and is separated by commas or semicolons.
    Refuses at once a header without the needed columns or with unknown ones.
    """
    read: Callable[[bytes], Reported] = read_reported_line
    place = start
    if form is FileFormat.CSV:
        file.seek(0)
        header = file.readline(LONGEST_LINE)
        read = _CsvLines.under(header).read
        place = max(start, Place(len(header), 1), key=lambda each: each.offset)
    file.seek(place.offset)
    return _events(_lines(file, place), read)


def _events(
    lines: Iterator[tuple[bytes | None, Place]], read: Callable[[bytes], Reported]
) -> Iterator[UsageLine]:
    for line, end in lines:
        if line is None:
            yield UsageLine(unreadable("The line is too long"), end)
        elif text := line.removeprefix(_MARK).strip():
            yield UsageLine(read(text), end)


def _lines(file: BinaryIO, place: Place) -> Iterator[tuple[bytes | None, Place]]:
    """Yield every line with the place behind it; None for one that is too long."""
    while line := file.readline(LONGEST_LINE):
        length, is_whole = len(line), len(line) < LONGEST_LINE or line.endswith(b"\n")
        rest = b"" if is_whole else b" "
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
            length += len(rest)
        place = Place(place.offset + length, place.lines + 1)
        yield (line if is_whole else None), place


@dataclass(frozen=True, slots=True)
class _CsvLines:
    """Reads the lines below a header, each by itself: an open quote ends with its line."""

    columns: Sequence[str]
    separator: str

    @classmethod
    def under(cls, header: bytes) -> _CsvLines:
        """Return the reader for the lines below a header; refuses one of other columns."""
        try:
            text = header.removeprefix(_MARK).decode().strip()
        except UnicodeDecodeError as refused:
            raise UsageFileError("The header is no UTF-8 text.") from refused
        separator = ";" if ";" in text and "," not in text else ","
        columns = [name.strip().strip('"').lower() for name in text.split(separator)]
        missing = [name for name in NEEDED if name not in columns]
        unknown = [name for name in columns if name not in COLUMNS]
        if not set(PAYERS) & set(columns):
            missing.append(" or ".join(PAYERS))
        if missing or unknown or len(set(columns)) < len(columns):
            raise UsageFileError(_said_of(columns, missing, unknown))
        return cls(columns, separator)

    def read(self, line: bytes) -> Reported:
        """Return what a line reports; an empty cell is none."""
        try:
            cells = next(csv.reader([line.decode()], delimiter=self.separator, strict=True))
        except UnicodeDecodeError:
            return unreadable("Not UTF-8 text")
        except csv.Error as refused:
            return unreadable(f"Not a line of CSV: {refused}")
        if len(cells) != len(self.columns):
            return unreadable(f"{len(cells)} cells under {len(self.columns)} columns")
        named = zip(self.columns, (cell.strip() for cell in cells), strict=True)
        return read_reported({name: cell for name, cell in named if cell})


def _said_of(columns: Sequence[str], missing: Sequence[str], unknown: Sequence[str]) -> str:
    said = [f"missing: {', '.join(missing)}"] if missing else []
    said += [f"unknown: {', '.join(name[:40] or '(empty)' for name in unknown)}"] if unknown else []
    said += ["a name stands twice"] if len(set(columns)) < len(columns) else []
    return f"The first line must name the columns {', '.join(COLUMNS)} ({'; '.join(said)})."
