import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from app.integrations.secret_box import SealedBox
from app.kernel import now
from app.payments import (
    BadSignatureError,
    CheckoutOrder,
    CheckoutPage,
    CheckoutResult,
    CheckoutState,
    GatewayError,
    SignedEvent,
)
from app.ports import Ports
from tests.fakes.post import fake_post

GOOD_SIGNATURE = "signed-by-the-fake"


@dataclass
class FakeGateway:
    """A processor that remembers its pages; a test changes what became of one in `results`."""

    orders: dict[str, CheckoutOrder] = field(default_factory=dict)
    results: dict[str, CheckoutResult] = field(default_factory=dict)
    is_live: bool = False

    def create_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        session_id = f"cs_{order.reference}"
        if order.key not in self.orders:
            self.orders[order.key] = order
            self.results[session_id] = CheckoutResult(
                session_id=session_id,
                reference=order.reference,
                state=CheckoutState.OPEN,
                paid=order.amount,
                payment_id=None,
            )
        return CheckoutPage(session_id, f"https://checkout.test/{session_id}")

    def retrieve_checkout(self, session_id: str) -> CheckoutResult:
        if session_id not in self.results:
            raise GatewayError(retryable=False)
        return self.results[session_id]

    def verify_event(self, body: bytes, signature: str) -> SignedEvent:
        if signature != GOOD_SIGNATURE:
            raise BadSignatureError
        payload = json.loads(body)
        return SignedEvent(payload["id"], payload["type"], payload)


@dataclass
class FakeLive:
    """Keeps the messages of every channel."""

    messages: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def publish(self, channel: str, *, event_id: str, kind: str, data: dict[str, object]) -> None:
        told = {"id": event_id, "kind": kind, **data}
        self.messages.setdefault(channel, []).append(told)


@dataclass
class FakeBell:
    """Counts its rings."""

    rings: int = 0

    def ring(self) -> None:
        self.rings += 1


@dataclass
class FakeHeads:
    """Lines and a key in memory; a test edits the lines in `written`."""

    written: list[str] = field(default_factory=list)
    key: bytes = b"the fake's key"

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def lines(self) -> Iterator[str]:
        return iter(list(self.written))

    def latest_lines(self) -> Iterator[str]:
        return reversed(list(self.written))

    def append(self, line: str) -> None:
        self.written.append(line)

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.key, message, "sha256")

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)

    def public_key(self) -> str:
        return "the fake's public key"


def fake_ports(*, clock: Callable[[], datetime] = now) -> Ports:
    return Ports(
        gateway=FakeGateway(),
        live=FakeLive(),
        bell=FakeBell(),
        heads=FakeHeads(),
        secrets=SealedBox("the key of the tests"),
        post=fake_post(clock=clock),
        clock=clock,
    )
