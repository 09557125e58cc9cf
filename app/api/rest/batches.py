"""The body of a usage batch: NDJSON or a JSON array, read event by event.

The body is kept once, as it came. It is gone through twice: first to know that it is whole and not
too long, before anything is charged; then event by event, so that no more than a chunk of events
is ever in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.billing import Reported, read_reported, read_reported_line
from app.kernel import EXACT_JSON, AppError, Kind, translatable

MOST_EVENTS = 10_000
MOST_BYTES = 4 * 1024 * 1024
NDJSON = "application/x-ndjson"
JSON = "application/json"
# Other names by which lines of JSON go about.
_LINES = frozenset({NDJSON, "application/ndjson", "application/jsonl"})
_SPACE = re.compile(r"[ \t\n\r]*")


class BatchTooLargeError(AppError):
    """More events, or more bytes, than a batch may have. `facts`: both limits."""

    kind = Kind.TOO_LARGE
    code = "api.batch_too_large"
    text = translatable("Send at most %(events)s events and %(bytes)s bytes at once.")


class BatchUnreadableError(AppError):
    """The body is no JSON array; nothing of it was charged."""

    kind = Kind.INVALID
    code = "api.batch_unreadable"
    text = translatable("The body is not a JSON array of events.")


class BatchFormatError(AppError):
    """The body's type is neither NDJSON nor JSON."""

    kind = Kind.INVALID
    code = "api.batch_format"
    text = translatable(
        "Send lines of JSON as “application/x-ndjson” or a JSON array as “application/json”."
    )


@dataclass(frozen=True, slots=True)
class LinesOfEvents:
    """NDJSON: an event a line; a line that is none is refused alone. Empty lines do not count."""

    body: bytes

    def check(self) -> int:
        """Return how many events there are."""
        return sum(1 for _ in self._lines())

    def __iter__(self) -> Iterator[Reported]:
        return map(read_reported_line, self._lines())

    def _lines(self) -> Iterator[bytes]:
        return (line for line in BytesIO(self.body) if line.strip())


@dataclass(frozen=True, slots=True)
class ArrayOfEvents:
    """A JSON array, whole or refused; an element that is no event is refused alone."""

    body: str

    def check(self) -> int:
        """Return how many events there are; refuses what is no array from beginning to end."""
        try:
            return sum(1 for _ in self._elements())
        except (ValueError, RecursionError) as refused:
            raise BatchUnreadableError from refused

    def __iter__(self) -> Iterator[Reported]:
        return map(read_reported, self._elements())

    def _elements(self) -> Iterator[object]:
        at = self._after("[", 0)
        if self.body.startswith("]", at):
            self._require_end(at + 1)
            return
        while True:
            element, at = EXACT_JSON.raw_decode(self.body, at)
            yield element
            at = self._skip(at)
            if self.body.startswith("]", at):
                self._require_end(at + 1)
                return
            at = self._after(",", at)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.body, at)
        return found.end() if found else at

    def _after(self, sign: str, at: int) -> int:
        at = self._skip(at)
        if not self.body.startswith(sign, at):
            raise ValueError(sign)
        return self._skip(at + 1)

    def _require_end(self, at: int) -> None:
        if self._skip(at) != len(self.body):
            raise ValueError("more after the array")


Batch = LinesOfEvents | ArrayOfEvents


def read_batch() -> tuple[Batch, int]:
    """Return the events of the request and how many there are.

    Refuses another type than NDJSON and JSON, a body or a number of events beyond the limits, and
    an array that cannot be read to its end.
    """
    is_lines = request.mimetype in _LINES
    if not is_lines and request.mimetype != JSON:
        raise BatchFormatError
    body = _body()
    batch = LinesOfEvents(body) if is_lines else ArrayOfEvents(_text(body))
    size = batch.check()
    if size > MOST_EVENTS:
        raise _too_large()
    return batch, size


def _body() -> bytes:
    # More than other requests may carry.
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as refused:
        raise _too_large() from refused


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as refused:
        raise BatchUnreadableError from refused


def _too_large() -> BatchTooLargeError:
    return BatchTooLargeError(events=MOST_EVENTS, bytes=MOST_BYTES)
