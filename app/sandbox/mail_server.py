"""An SMTP server that keeps what it gets: e-mail of an installation without a mail server.

Two local parts are refused, so that failures can be tried: `unknown@` for good, `later@` for now.
"""

import asyncio
import socket
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.sandbox import mailbox
from app.sandbox.store import Store

_LARGEST_MAIL = 10 * 1024 * 1024
_REFUSALS = {
    "unknown": "550 5.1.1 There is nobody here of that name",
    "later": "451 4.3.0 Not now",
}


class MailServer:
    """Takes e-mail on a listening socket, in a thread of its own, until it is stopped."""

    def __init__(self, store: Store, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._store = store
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox-mail", daemon=True)

    def start(self) -> None:
        """Take mail from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more mail and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        handler = _Keeper(self._store)
        server = loop.run_until_complete(
            loop.create_server(
                lambda: SMTP(
                    handler,
                    hostname="sandbox",
                    ident="sandbox",
                    data_size_limit=_LARGEST_MAIL,
                    enable_SMTPUTF8=True,
                    loop=loop,
                ),
                sock=self._listener,
            )
        )
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Keeper:
    """What aiosmtpd asks: whether an address is known, and where the mail goes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[Any],
    ) -> str:
        refusal = _REFUSALS.get(address.partition("@")[0].lower())
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        with self._store.transaction() as tx:
            for address in envelope.rcpt_tos:
                mailbox.keep(tx, sender=envelope.mail_from or "", recipient=address, raw=raw)
        return "250 2.0.0 Kept"
