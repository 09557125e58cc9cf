"""What a reseller's wallets, events, top-ups and holds answer when calls come one after the other.

In minor units; a unit of usage costs one. It shares nothing with the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

Reply = tuple[object, ...]
SETTLED: Reply = ("paid", "settled")


@dataclass(frozen=True)
class ChargeCall:
    """`quantity` units of usage of a customer; with a hold, its capture."""

    event: str
    customer: int
    quantity: int
    hold: str | None = None


@dataclass(frozen=True)
class ReadCall:
    """The balance of a customer's wallet."""

    customer: int


@dataclass(frozen=True)
class SettleCall:
    """The processor's word that a top-up was paid."""

    top_up: str
    customer: int
    minor: int


@dataclass(frozen=True)
class HoldCall:
    """Credit to be kept back under a key."""

    key: str
    customer: int
    minor: int


@dataclass(frozen=True)
class ReleaseCall:
    """A hold to be freed."""

    key: str


@dataclass(frozen=True)
class ExtendCall:
    """A hold to be raised to an amount."""

    key: str
    total: int


@dataclass(frozen=True)
class ReadHoldCall:
    """A hold as it is now."""

    key: str


Call = ChargeCall | ReadCall | SettleCall | HoldCall | ReleaseCall | ExtendCall | ReadHoldCall


@dataclass(frozen=True)
class WalletState:
    """A prepaid wallet."""

    posted: int = 0
    held: int = 0
    version: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.held

    def move(self, minor: int) -> WalletState:
        return replace(self, posted=self.posted + minor, version=self.version + 1)


@dataclass(frozen=True)
class HoldState:
    """A hold as it was asked for, how much it was raised to, and if it still keeps that back."""

    asked: HoldCall
    minor: int
    state: str = "open"


@dataclass(frozen=True)
class World:
    """Everything that calls can see. `events` keeps what was sent and how it was answered."""

    wallets: tuple[WalletState, ...]
    events: frozenset[tuple[str, int, int, Reply]] = frozenset()
    settled: frozenset[str] = frozenset()
    holds: frozenset[HoldState] = frozenset()

    def answer(self, call: Call) -> tuple[Reply, World]:
        """Return what the call is answered and what the world is after it."""
        match call:
            case ReadCall():
                wallet = self.wallets[call.customer]
                return (wallet.posted, wallet.held, wallet.available, wallet.version), self
            case SettleCall():
                return self._settle(call)
            case ChargeCall():
                return self._charge(call)
            case HoldCall():
                return self._hold(call)
            case _:
                return self._of_hold(call)

    def _of_hold(self, call: ReleaseCall | ExtendCall | ReadHoldCall) -> tuple[Reply, World]:
        match call:
            case ReleaseCall():
                return self._release(call)
            case ExtendCall():
                return self._extend(call)
            case ReadHoldCall():
                return ("read", *self._seen(self._hold_of(call.key))), self

    def _settle(self, call: SettleCall) -> tuple[Reply, World]:
        if call.top_up in self.settled:
            return SETTLED, self
        paid = self._with({call.customer: self.wallets[call.customer].move(call.minor)})
        return SETTLED, replace(paid, settled=self.settled | {call.top_up})

    def _charge(self, call: ChargeCall) -> tuple[Reply, World]:
        for event, customer, quantity, reply in self.events:
            if event == call.event:
                if (customer, quantity) == (call.customer, call.quantity):
                    return ("again", *reply), self._without(call.hold)
                return ("id reused",), self
        wallet, gross, world = self.wallets[call.customer], call.quantity, self
        if call.hold is not None:
            hold = self._hold_of(call.hold)
            if hold.state != "open":
                return ("hold closed",), self
            world = self._close(hold, "captured")
            wallet = world.wallets[call.customer]
            gross = min(gross, wallet.available)
        if gross > wallet.available:
            return ("too little", gross, wallet.available), self
        after = wallet.move(-gross)
        first: Reply = (gross, after.posted, after.version)
        known = world.events | {(call.event, call.customer, call.quantity, first)}
        return ("new", *first), replace(world._with({call.customer: after}), events=known)

    def _hold(self, call: HoldCall) -> tuple[Reply, World]:
        for hold in self.holds:
            if hold.asked == call:
                return ("held", True, *self._seen(hold)), self
            if hold.asked.key == call.key:
                return ("id reused",), self
        wallet = self.wallets[call.customer]
        if call.minor > wallet.available:
            return ("too little", call.minor, wallet.available), self
        hold = HoldState(call, 0)
        kept = self._keep(hold, call.minor)
        made = kept._hold_of(call.key)
        return ("held", False, *kept._seen(made)), kept

    def _release(self, call: ReleaseCall) -> tuple[Reply, World]:
        hold, after = self._hold_of(call.key), self
        if hold.state == "open":
            after = self._close(hold, "released")
        return ("released", *after._seen(after._hold_of(call.key))), after

    def _extend(self, call: ExtendCall) -> tuple[Reply, World]:
        """Raise a hold; what it keeps back already is never less."""
        hold = self._hold_of(call.key)
        if hold.state != "open":
            return ("hold closed",), self
        more = max(0, call.total - hold.minor)
        available = self.wallets[hold.asked.customer].available
        if more > available:
            return ("too little", more, available), self
        after = self._keep(hold, more)
        return ("extended", *after._seen(after._hold_of(call.key))), after

    def _keep(self, hold: HoldState, minor: int) -> World:
        wallet = self.wallets[hold.asked.customer]
        after = replace(wallet, held=wallet.held + minor)
        holds = self.holds - {hold} | {replace(hold, minor=hold.minor + minor)}
        return replace(self._with({hold.asked.customer: after}), holds=holds)

    def _seen(self, hold: HoldState) -> Reply:
        return hold.state, hold.minor, self.wallets[hold.asked.customer].available

    def _hold_of(self, key: str) -> HoldState:
        return next(hold for hold in self.holds if hold.asked.key == key)

    def _without(self, key: str | None) -> World:
        hold = None if key is None else self._hold_of(key)
        return self._close(hold, "released") if hold and hold.state == "open" else self

    def _close(self, hold: HoldState, state: str) -> World:
        wallet = self.wallets[hold.asked.customer]
        freed = replace(wallet, held=wallet.held - hold.minor)
        holds = self.holds - {hold} | {replace(hold, state=state)}
        return replace(self._with({hold.asked.customer: freed}), holds=holds)

    def _with(self, changed: Mapping[int, WalletState]) -> World:
        wallets = tuple(changed.get(place, old) for place, old in enumerate(self.wallets))
        return replace(self, wallets=wallets)
