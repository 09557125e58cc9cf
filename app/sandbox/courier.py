"""The courier: sends signed events from the background, one lane for each endpoint.

Within a lane deliveries go one after the other, so that a scripted order is the order of arrival;
an endpoint that hangs delays nobody else.
"""

import hashlib
import hmac
import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.sandbox import deliveries, faults
from app.sandbox.store import Store

RETRY_DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
_TIMEOUT = 10.0
_KEPT_OF_ANSWER = 2048


@dataclass(frozen=True)
class Parcel:
    """One delivery with everything needed to send it."""

    delivery: sqlite3.Row
    address: str
    secret: str
    payload: bytes


@dataclass(frozen=True)
class Receipt:
    """What the endpoint answered; status None means that it could not be reached."""

    status: int | None
    answer: str
    seconds: float


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """Return the `Stripe-Signature` header (docs.stripe.com/webhooks#verify-manually)."""
    signed = str(timestamp).encode() + b"." + payload
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def send(parcel: Parcel, timeout: float) -> Receipt:
    """Post the event; redirects are not followed, as with Stripe."""
    parts = urlsplit(parcel.address)
    name = parts.hostname or ""
    # Names under .localhost are loopback by RFC 6761, whatever the resolver knows.
    host = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else name
    is_https = parts.scheme == "https"
    kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=timeout)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        # Signed with real time: the receiver's clock knows nothing of the virtual one.
        "Stripe-Signature": signature(parcel.payload, parcel.secret, int(time.time())),
    }
    started = time.monotonic()
    try:
        connection.request("POST", path, parcel.payload, headers)
        response = connection.getresponse()
        answer = response.read(_KEPT_OF_ANSWER).decode("utf-8", "replace")
        return Receipt(response.status, answer, time.monotonic() - started)
    except (OSError, http.client.HTTPException, ValueError) as failure:
        problem = f"{type(failure).__name__}: {failure}"
        return Receipt(None, problem, time.monotonic() - started)
    finally:
        connection.close()


class Courier:
    """Keeps one thread for each endpoint and wakes it when there is something to send."""

    def __init__(
        self,
        store: Store,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._store = store
        self._retry_delays = tuple(retry_delays)
        self._timeout = timeout
        self._condition = threading.Condition()
        self._round = 0
        self._is_stopping = False
        self._lanes: dict[str, threading.Thread] = {}
        store.on_delivery.append(self.wake)

    def start(self) -> None:
        """Take up what an earlier process left behind."""
        self.wake()

    def stop(self) -> None:
        """End after the deliveries that are on their way."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.join()

    def wake(self) -> None:
        """Look for work now, also for endpoints that are new."""
        with self._store.transaction() as tx:
            waiting = tx.rows("SELECT DISTINCT endpoint FROM deliveries WHERE state = 'pending'")
        with self._condition:
            if self._is_stopping:
                return
            for row in waiting:
                if row["endpoint"] not in self._lanes:
                    self._lanes[row["endpoint"]] = self._opened(row["endpoint"])
            self._round += 1
            self._condition.notify_all()

    def _opened(self, endpoint_id: str) -> threading.Thread:
        lane = threading.Thread(
            target=self._work, args=(endpoint_id,), name=f"courier-{endpoint_id}", daemon=True
        )
        lane.start()
        return lane

    def _work(self, endpoint_id: str) -> None:
        while not self._is_stopping:
            seen = self._round
            parcel, nap = self._next(endpoint_id)
            if parcel is None:
                self._nap(seen, nap)
                continue
            receipt = send(parcel, self._timeout)
            with self._store.transaction() as tx:
                deliveries.record(
                    tx,
                    parcel.delivery,
                    status=receipt.status,
                    answer=receipt.answer,
                    seconds=receipt.seconds,
                    retry_delays=self._retry_delays,
                )

    def _next(self, endpoint_id: str) -> tuple[Parcel | None, float | None]:
        """Return what is due, or how long to wait; None waits until woken."""
        with self._store.transaction() as tx:
            delivery = deliveries.next_pending(tx, endpoint_id)
            endpoint = tx.find("webhook_endpoint", endpoint_id)
            if delivery is None or endpoint is None or faults.is_dead(tx):
                return None, None
            if delivery["due_at"] > tx.now:
                return None, delivery["due_at"] - tx.now
            event = deliveries.with_pending(tx, tx.get("event", delivery["event"]))
            secret = str(tx.private(endpoint_id)["secret"])
        payload = json.dumps(event, indent=2, ensure_ascii=False).encode()
        return Parcel(delivery, endpoint["url"], secret, payload), None

    def _nap(self, seen: int, seconds: float | None) -> None:
        with self._condition:
            if self._round == seen and not self._is_stopping:
                self._condition.wait(seconds)
