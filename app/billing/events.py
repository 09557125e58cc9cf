from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.kernel import Event


@dataclass(frozen=True)
class BalanceChanged(Event):
    """A wallet's balance moved; readers fetch the present one."""

    kind: ClassVar[str] = "balance_changed"
    wallet_id: UUID
    account_id: UUID


@dataclass(frozen=True)
class TopUpSettled(Event):
    """A top-up was credited."""

    kind: ClassVar[str] = "top_up_settled"
    top_up_id: UUID
    wallet_id: UUID


@dataclass(frozen=True)
class OwnBalanceFunded(Event):
    """A top-up was credited to the reseller's own balance."""

    kind: ClassVar[str] = "own_balance_funded"
    top_up_id: UUID


@dataclass(frozen=True)
class CustomerBlocked(Event):
    """A customer's wallets are charged nothing from now on."""

    kind: ClassVar[str] = "customer_blocked"
    customer_id: UUID


@dataclass(frozen=True)
class CustomerUnblocked(Event):
    """A customer's wallets are charged again, but for frozen ones."""

    kind: ClassVar[str] = "customer_unblocked"
    customer_id: UUID
