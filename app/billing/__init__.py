"""Wallets, usage charges along the chain, top-ups: the money of a customer."""

from app.billing.charges import Charge, UsageEvent, charge_usage
from app.billing.commission_bonuses import grant_due_bonuses, grant_new_customer_bonus
from app.billing.commission_reports import (
    BookLine,
    CommissionLine,
    CommissionReport,
    CurrencyReport,
    StepLine,
    commission_report,
)
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
from app.billing.month_end import MonthClosing, close_month, close_months
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
    "BookLine",
    "BookTotals",
    "Charge",
    "CommissionLine",
    "CommissionReport",
    "CurrencyReport",
    "EventIdReusedError",
    "FutureUsageError",
    "HistoryLine",
    "InsufficientFundsError",
    "MonthClosing",
    "PageTerms",
    "RequestKeyReusedError",
    "StepLine",
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
    "close_month",
    "close_months",
    "commission_report",
    "confirm_top_up",
    "customer_counts",
    "forget_counterparties",
    "freeze_wallet",
    "freeze_wallets",
    "get_top_up",
    "get_wallet",
    "grant_due_bonuses",
    "grant_new_customer_bonus",
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
    "verify",
    "wallet_balance",
    "wallet_history",
]
