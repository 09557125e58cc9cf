"""Starts and stops the sandbox inside this process."""

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from werkzeug.serving import BaseWSGIServer

from app.sandbox import application, clock, deliveries, execution, webhook_endpoints
from app.sandbox.clock import Timekeeper
from app.sandbox.connection import listen, serve_on
from app.sandbox.courier import RETRY_DELAYS, Courier
from app.sandbox.mail_server import MailServer
from app.sandbox.store import Store

# How often the server looks whether it shall stop, in seconds.
_POLL = 0.05


@dataclass
class RunningSandbox:
    """A sandbox that answers at `url` until it is stopped; a context manager."""

    url: str
    webhook_secret: str | None
    _store: Store
    _server: BaseWSGIServer
    _thread: threading.Thread
    _timekeeper: Timekeeper
    _courier: Courier
    _folder: tempfile.TemporaryDirectory[str] | None
    _mail_server: MailServer
    _is_stopped: bool = False

    def stop(self) -> None:
        """Stop answering, end the background threads, close the state. Safe to call twice."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._mail_server.stop()
        self._timekeeper.stop()
        self._courier.stop()
        self._store.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def mail_port(self) -> int:
        """Where it takes e-mail by SMTP."""
        return self._mail_server.port

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward."""
        with self._store.transaction() as tx:
            clock.advance(tx, seconds)

    def wait_until_delivered(self, timeout: float = 10.0) -> bool:
        """Wait until no delivery is pending; False if some still are after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._store.transaction() as tx:
                if deliveries.count_pending(tx) == 0:
                    return True
            time.sleep(0.01)
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_sandbox(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    state: Path | None = None,
    public_url: str | None = None,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    retry_delays: Sequence[float] = RETRY_DELAYS,
    mail_port: int = 0,
) -> RunningSandbox:
    """Start a sandbox in background threads.

    Port 0 takes a free one; without `state` the data lives in a temporary file that `stop` removes.
    Raises OSError if the port is taken, InvalidParameterError if `webhook_url` is no address.
    """
    if webhook_url is not None:
        webhook_endpoints.check_address(webhook_url)
    listener, mail_listener = listen(host, port), listen(host, mail_port)
    own_url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    url = (public_url or own_url).rstrip("/")
    folder = tempfile.TemporaryDirectory(prefix="sandbox-") if state is None else None
    store = Store(_state_file(state, folder), url)
    courier, timekeeper = Courier(store, retry_delays), Timekeeper(store)
    with store.transaction() as tx:
        execution.forget_unfinished(tx)
        secret = (
            webhook_endpoints.configure(tx, webhook_url, webhook_secret) if webhook_url else None
        )
    server = serve_on(listener, application.build(store))
    mail_server = MailServer(store, mail_listener)
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL,), name="sandbox", daemon=True
    )
    thread.start()
    timekeeper.start()
    courier.start()
    mail_server.start()
    parts = (store, server, thread, timekeeper, courier, folder, mail_server)
    return RunningSandbox(url, secret, *parts)


def _state_file(state: Path | None, folder: tempfile.TemporaryDirectory[str] | None) -> Path:
    if state is None:
        return Path(folder.name if folder else "") / "state.sqlite"
    state.parent.mkdir(parents=True, exist_ok=True)
    return state
