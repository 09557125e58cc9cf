"""A server with a page, live.js, and a stream that does what the test says."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "app" / "web" / "static" / "js" / "live.js"
PAGE = """<!doctype html><html lang="LANGUAGE"><title>Live</title>
<div data-stream-url="/stream" data-poll-url="/poll" data-wallet-id="w1">
<span data-live-balance data-version="0">0</span><p data-live-state="off"></p>
<p data-low-balance hidden>low</p><ol data-live-recent="/recent"><li>none</li></ol></div>
<script src="/live.js" nonce="n"></script>"""
POLICY = "default-src 'self'; script-src 'nonce-n' 'strict-dynamic'"


@dataclass
class Stub:
    """What the server does now, and what it was asked."""

    version: int = 1
    bonus: int = 0
    status: int = 200
    poll_status: int = 200
    wallet: str = "w1"
    language: str = "de"
    currency: str = "EUR"
    total: int | None = None
    opened: int = 0
    polled: int = 0
    recent: int = 0
    streams: list[queue.Queue[str | None]] = field(default_factory=list)
    url: str = ""

    def state(self, version: int) -> str:
        facts = {
            "wallet_id": self.wallet,
            "version": version,
            "posted": version * 100,
            "mark": f"{version}.{self.bonus}",
            "total": (version + self.bonus) * 100 if self.total is None else self.total,
            "currency": self.currency,
        }
        return json.dumps({**facts, "is_low": version < 3})

    def tell(self, version: int) -> None:
        self.version = version
        for stream in self.streams:
            stream.put(f"event: balance\ndata: {self.state(version)}\nid: {version}\n\n")

    def hang_up(self, *last_words: str) -> None:
        for stream in list(self.streams):
            for word in last_words:
                stream.put(word)
            stream.put(None)


@contextmanager
def a_stub() -> Iterator[Stub]:
    stub = Stub()

    class Handler(_Handler):
        server_state = stub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://localhost:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stub
    stub.hang_up()
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: Stub

    def do_GET(self) -> None:
        stub = self.server_state
        match self.path:
            case "/":
                self._answer(200, "text/html", PAGE.replace("LANGUAGE", stub.language))
            case "/live.js":
                self._answer(200, "text/javascript", SCRIPT.read_text())
            case "/poll":
                stub.polled += 1
                self._answer(stub.poll_status, "application/json", stub.state(stub.version))
            case "/recent":
                stub.recent += 1
                self._answer(200, "text/html", f"<ol data-live-recent><li>{stub.version}</li></ol>")
            case "/stream":
                self._stream(stub)
            case _:
                self._answer(404, "text/plain", "")

    def _stream(self, stub: Stub) -> None:
        stub.opened += 1
        if stub.status != 200:
            self._answer(stub.status, "text/plain", "")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        words: queue.Queue[str | None] = queue.Queue()
        words.put("retry: 200\n\n")
        words.put(f"event: balance\ndata: {stub.state(stub.version)}\nid: {stub.version}\n\n")
        stub.streams.append(words)
        try:
            while (word := self._next(words)) is not None:
                self.wfile.write(word.encode())
                self.wfile.flush()
        except OSError:
            pass
        finally:
            stub.streams.remove(words)

    def _next(self, words: queue.Queue[str | None]) -> str | None:
        try:
            return words.get(timeout=0.2)
        except queue.Empty:
            return ": alive\n\n"

    def _answer(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...
