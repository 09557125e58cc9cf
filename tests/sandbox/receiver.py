"""A merchant's webhook endpoint that writes down what arrives."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Letter:
    payload: bytes
    signature: str
    arrived: float

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))

    @property
    def type(self) -> str:
        return str(self.event["type"])


class Receiver:
    """Answers with the next of `statuses`, then always with 200."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.statuses: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhook"

    @property
    def types(self) -> list[str]:
        return [letter.type for letter in self.letters]

    def of_type(self, event_type: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.type == event_type]

    def waits_for(self, count: int) -> bool:
        """Wait until `count` letters have arrived."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and len(self.letters) < count:
            time.sleep(0.01)
        return len(self.letters) >= count

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                letter = Letter(payload, self.headers["Stripe-Signature"], time.monotonic())
                receiver.letters.append(letter)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
