"""Wallets, usage charges along the chain, top-ups: the money of a customer."""

from app.billing.blocks import BlockReason, block_customer, unblock_customer
from app.billing.charges import charge_usage
from app.billing.errors import (
    AmountMismatchError,
    AmountRefusedError,
    CustomerBlockedError,
    EventIdReusedError,
    FutureUsageError,
    InsufficientFundsError,
    RequestKeyReusedError,
    TopUpInProgressError,
    TopUpNotFoundError,
    WalletFrozenError,
    WalletNotFoundError,
)
from app.billing.events import BalanceChanged, CustomerBlocked, CustomerUnblocked, TopUpSettled
from app.billing.figures import BookTotals, customer_counts, platform_figures, reseller_figures
from app.billing.fulfilment import PageTerms, apply_event, confirm_top_up, start_top_up
from app.billing.history import HistoryLine, wallet_history
from app.billing.models import TopUp, TopUpState, Wallet, WalletState
from app.billing.rules import GREATEST_TOP_UP, LEAST_TOP_UP, mask_number
from app.billing.top_ups import (
    attach_checkout,
    get_top_up,
    list_top_ups,
    note_decline,
    pending_top_ups,
    request_top_up,
    settle_top_up,
)
from app.billing.usage import Charge, UsageEvent
from app.billing.verification import freeze_wallets, verify
from app.billing.wallets import (
    forget_counterparties,
    freeze_wallet,
    get_wallet,
    open_wallet,
    wallet_balance,
)

__all__ = [
    "GREATEST_TOP_UP",
    "LEAST_TOP_UP",
    "AmountMismatchError",
    "AmountRefusedError",
    "BalanceChanged",
    "BlockReason",
    "BookTotals",
    "Charge",
    "CustomerBlocked",
    "CustomerBlockedError",
    "CustomerUnblocked",
    "EventIdReusedError",
    "FutureUsageError",
    "HistoryLine",
    "InsufficientFundsError",
    "PageTerms",
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
    "apply_event",
    "attach_checkout",
    "block_customer",
    "charge_usage",
    "confirm_top_up",
    "customer_counts",
    "forget_counterparties",
    "freeze_wallet",
    "freeze_wallets",
    "get_top_up",
    "get_wallet",
    "list_top_ups",
    "mask_number",
    "note_decline",
    "open_wallet",
    "pending_top_ups",
    "platform_figures",
    "request_top_up",
    "reseller_figures",
    "settle_top_up",
    "start_top_up",
    "unblock_customer",
    "verify",
    "wallet_balance",
    "wallet_history",
]
