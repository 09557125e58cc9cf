"""Plays the usage file through the API, as a customer's telephone system would report it."""

import http.client
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from secrets import token_hex

from app.cli.demo.loading import Played
from app.cli.demo.records import UsageRow
from app.kernel import now

# How many times faster than life: in office hours about one charge a second.
USUAL_SPEED = 600
# Nights and weekends pass quickly, so that there is always something to see.
_LONGEST_PAUSE = 3.0
_PAUSE_AFTER_FAILURE = 1.0
_ANSWER_SECONDS = 10.0


@dataclass
class Tally:
    """What became of the events so far."""

    charged: int = 0
    refused: int = 0
    failed: int = 0
    last_failure: str = ""

    def __str__(self) -> str:
        parts = [f"{self.charged:,} charged", f"{self.refused:,} refused for want of money"]
        if self.failed:
            parts.append(f"{self.failed:,} failed ({self.last_failure})")
        return ", ".join(parts)


class Player(threading.Thread):
    """Posts one row after the other, dated now, again and again until told to stop."""

    def __init__(
        self,
        rows: Sequence[UsageRow],
        played: Sequence[Played],
        *,
        port: int,
        platform_domain: str,
        speed: float = USUAL_SPEED,
    ) -> None:
        super().__init__(name="player", daemon=True)
        self.tally = Tally()
        self._rows = rows
        self._played: Mapping[str, Played] = {each.office.records: each for each in played}
        self._port = port
        self._domain = platform_domain
        self._speed = speed
        self._run = token_hex(4)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Play until `end`."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        for turn in count(1):
            before = self._rows[0].offset
            for number, row in enumerate(self._rows):
                if self._stop_asked.wait(min((row.offset - before) / self._speed, _LONGEST_PAUSE)):
                    connection.close()
                    return
                before = row.offset
                if row.customer in self._played:
                    self._post(connection, row, f"play-{self._run}-{turn}-{number}")

    def end(self) -> None:
        """Stop playing; return when the last answer is in."""
        self._stop_asked.set()
        self.join()

    def _post(self, connection: http.client.HTTPConnection, row: UsageRow, event_id: str) -> None:
        target = self._played[row.customer]
        body = {
            "id": event_id,
            "customer_id": str(target.customer_id),
            "meter": row.meter,
            "quantity": str(row.quantity),
            "occurred_at": now().isoformat(),
            "counterparty": row.counterparty,
        }
        headers = {
            "Host": f"{target.brand.slug}.{self._domain}:{self._port}",
            "Authorization": f"Bearer {target.api_key}",
            "Content-Type": "application/json",
        }
        try:
            connection.request("POST", "/api/v2/usage", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as lost:
            connection.close()
            self._note_failure(type(lost).__name__)
            return
        if answer.status in {HTTPStatus.CREATED, HTTPStatus.OK}:
            self.tally.charged += 1
        elif answer.status == HTTPStatus.PAYMENT_REQUIRED:
            self.tally.refused += 1
        else:
            self._note_failure(f"answer {answer.status}")

    def _note_failure(self, reason: str) -> None:
        self.tally.failed += 1
        self.tally.last_failure = reason
        self._stop_asked.wait(_PAUSE_AFTER_FAILURE)
