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
from app.billing.figures import BookTotals, customer_counts, platform_figures, reseller_figures
from app.billing.fulfilment import PageTerms, apply_event, confirm_top_up, start_top_up
from app.billing.history import HistoryLine, wallet_history
from app.billing.models import TopUp, TopUpState, Wallet, WalletState
from app.billing.proof import Proof, prove_books
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
    "BookTotals",
    "Charge",
    "EventIdReusedError",
    "FutureUsageError",
    "HistoryLine",
    "InsufficientFundsError",
    "PageTerms",
    "Proof",
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
    "prove_books",
    "request_top_up",
    "reseller_figures",
    "settle_top_up",
    "start_top_up",
    "verify",
    "wallet_balance",
    "wallet_history",
]
