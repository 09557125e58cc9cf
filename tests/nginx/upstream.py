"""A stand-in for `kontor web`: says what it was told, and streams when the test lets it."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

PATIENCE = 10.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@dataclass
class Upstream:
    """What arrived, and the gate that holds the second half of a stream back."""

    port: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        told = {name: str(environ[name]) for name in environ if name.startswith("HTTP_")}
        self.requests.append(told)
        if environ["PATH_INFO"].endswith(("/stream", "/slow")):
            start_response("200 OK", [("Content-Type", "text/event-stream")])
            return self._halves()
        is_sheet = environ["PATH_INFO"].endswith(".css")
        kind = "text/css" if is_sheet else environ.get("HTTP_X_KIND", "application/json")
        start_response("200 OK", [("Content-Type", kind)])
        return [json.dumps(told).encode()]

    def _halves(self) -> Iterator[bytes]:
        yield b"data: first\n\n"
        self.gate.wait(PATIENCE)
        yield b"data: second\n\n"


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    with make_server("127.0.0.1", 0, upstream, _Server, _Silent) as server:
        upstream.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield upstream
        upstream.gate.set()
        server.shutdown()
        thread.join()
