"""Who makes the calls of a serial model: over the wire, each with a connection of its own."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.billing import TopUp, Wallet
from app.kernel import now
from app.tenancy import Tenant
from tests.api.caller import a_body
from tests.api.holding import HOLDS, a_hold_body
from tests.api.serial_model import (
    Call,
    ChargeCall,
    ExtendCall,
    HoldCall,
    ReadCall,
    ReadHoldCall,
    ReleaseCall,
    Reply,
    SettleCall,
    WalletState,
    World,
)
from tests.api.serializations import Operation
from tests.api.served import WireCaller
from tests.factories.money import settle

WALLETS = 2
BUSY: Reply = ("come back in a moment",)
SENT = now() - timedelta(minutes=1)


@dataclass
class Scene:
    """Wallets of one reseller, and what the calls of a run refer to."""

    reseller: Tenant
    wallets: list[Wallet]
    funds: int
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    top_ups: dict[str, TopUp] = field(default_factory=dict)
    holds: dict[str, UUID] = field(default_factory=dict)

    def start(self) -> World:
        """A settled top-up was the first posting of every wallet; the holds are in place."""
        world = World(tuple(WalletState(self.funds, 0, 1) for _ in self.wallets))
        for key in self.holds:
            _, world = world.answer(first_hold(key))
        return world


def first_hold(key: str) -> HoldCall:
    return HoldCall(key, int(key[-1]) % WALLETS, 150)


@dataclass
class Actor:
    """One thread's way to the product."""

    scene: Scene
    caller: WireCaller

    def act(self, call: Call) -> Operation:
        sent = time.monotonic()
        reply = self._reply(call)
        return Operation(sent, time.monotonic(), call, reply)

    def _reply(self, call: Call) -> Reply:
        """Make the call; one that is told to come back in a moment does."""
        reply = BUSY
        while reply == BUSY:
            reply = self._do(call)
        return reply

    def _do(self, call: Call) -> Reply:
        match call:
            case ReadCall():
                return self._read(call)
            case ChargeCall():
                return self._charge(call)
            case SettleCall():
                return "paid", settle(self.scene.top_ups[call.top_up]).state
            case HoldCall():
                return self._place(call)
            case _:
                return self._of_hold(call)

    def _read(self, call: ReadCall) -> Reply:
        customer = self.scene.wallets[call.customer].customer_id
        status, said = self.caller.get(f"/api/v2/customers/{customer}/balance")
        assert status == 200, said
        amounts = (said[name]["minor"] for name in ("posted", "held", "available"))
        return *amounts, said["version"]

    def _charge(self, call: ChargeCall) -> Reply:
        """Report usage, or capture a hold with it: the same body, but for who pays."""
        customer = self.scene.wallets[call.customer].customer_id
        body = a_body(
            customer, id=f"{self.scene.name}-{call.event}", quantity=str(call.quantity),
            occurred_at=SENT.isoformat(),
        )  # fmt: skip
        if call.hold is None:
            status, said = self.caller.post("/api/v2/usage", body)
        else:
            del body["customer_id"]
            path = f"{HOLDS}/{self.scene.holds[call.hold]}/capture"
            status, said = self.caller.post(path, body)
        if status not in {200, 201}:
            return _refusal(status, said)
        word = "new" if status == 201 else "again"
        amounts = (said[name]["minor"] for name in ("amount", "balance"))
        return word, *amounts, said["balance_version"]

    def _place(self, call: HoldCall) -> Reply:
        wallet, key = self.scene.wallets[call.customer], f"{self.scene.name}{call.key}"
        status, said = self.caller.post(HOLDS, a_hold_body(wallet, call.minor, id=key))
        if status not in {200, 201}:
            return _refusal(status, said)
        return "held", status == 200, *_seen(said)

    def _of_hold(self, call: ExtendCall | ReleaseCall | ReadHoldCall) -> Reply:
        path = f"{HOLDS}/{self.scene.holds[call.key]}"
        match call:
            case ExtendCall():
                total = {"minor": call.total, "currency": "EUR"}
                word, asked = "extended", self.caller.post(f"{path}/extend", {"amount": total})
            case ReleaseCall():
                word, asked = "released", self.caller.post(f"{path}/release", {})
            case ReadHoldCall():
                word, asked = "read", self.caller.get(path)
        status, said = asked
        return (word, *_seen(said)) if status == 200 else _refusal(status, said)


def _seen(said: dict[str, Any]) -> Reply:
    return said["state"], *(said[name]["minor"] for name in ("amount", "available"))


def _refusal(status: int, said: dict[str, Any]) -> Reply:
    match status, said.get("code"):
        case 402, "billing.insufficient_funds":
            return "too little", said["required"], said["available"]
        case 409, "billing.event_id_reused" | "billing.hold_key_reused":
            return ("id reused",)
        case 409, "ledger.hold_closed":
            return ("hold closed",)
        case 503, "ledger.books_moved":
            return BUSY
    raise AssertionError(said)
