"""Wallets, usage charges along the chain, top-ups: the money of a customer."""

from app.billing.charges import Charge, UsageEvent, charge_usage
from app.billing.errors import (
    AmountMismatchError,
    AmountRefusedError,
    EventIdReusedError,
    FutureUsageError,
    InsufficientFundsError,
    RequestKeyReusedError,
    TopUpInProgressError,
    TopUpNotFoundError,
    WalletFrozenError,
    WalletNotFoundError,
)
from app.billing.events import BalanceChanged, TopUpSettled
from app.billing.models import TopUp, TopUpState, Wallet, WalletState
from app.billing.rules import GREATEST_TOP_UP, LEAST_TOP_UP, mask_number
from app.billing.top_ups import (
    attach_checkout,
    get_top_up,
    list_top_ups,
    note_decline,
    request_top_up,
    settle_top_up,
)
from app.billing.wallets import forget_counterparties, get_wallet, open_wallet, wallet_balance

__all__ = [
    "GREATEST_TOP_UP",
    "LEAST_TOP_UP",
    "AmountMismatchError",
    "AmountRefusedError",
    "BalanceChanged",
    "Charge",
    "EventIdReusedError",
    "FutureUsageError",
    "InsufficientFundsError",
    "RequestKeyReusedError",
    "TopUp",
    "TopUpInProgressError",
    "TopUpNotFoundError",
    "TopUpSettled",
    "TopUpState",
    "UsageEvent",
    "Wallet",
    "WalletFrozenError",
    "WalletNotFoundError",
    "WalletState",
    "attach_checkout",
    "charge_usage",
    "forget_counterparties",
    "get_top_up",
    "get_wallet",
    "list_top_ups",
    "mask_number",
    "note_decline",
    "open_wallet",
    "request_top_up",
    "settle_top_up",
    "wallet_balance",
]
