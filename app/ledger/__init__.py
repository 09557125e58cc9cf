"""Double-entry ledger: accounts, immutable transfers, balances; knows opaque books and owners.

Guards the invariants of requirement C1, C3 and C4. `kontor ledger verify` proves them.
"""

from app.ledger.accounts import AccountName, account_id, open_account
from app.ledger.balances import (
    Balance,
    OwnedBalance,
    StatementLine,
    balances_across,
    books_with_tail,
    get_balance,
    get_balances,
    owned_balances,
    roll_up,
    statement,
)
from app.ledger.entries import EntryDraft, Posted, TransferDraft, fingerprint, post, post_through
from app.ledger.errors import (
    AccountNotFoundError,
    InsufficientFundsError,
    KeyReusedError,
    TransferRefusedError,
)
from app.ledger.laws import NOWHERE, Law
from app.ledger.periods import (
    OwnedCredit,
    OwnedPeriod,
    PeriodPart,
    PeriodTotal,
    close_period,
    has_entry,
    owned_credits,
    owned_periods,
    period_totals,
    periods,
    split_period,
)
from app.ledger.totals import credited_since, credits_of, shared_balances
from app.ledger.verification import BrokenRow, Check, PartialViewError, examine, verify

__all__ = [
    "NOWHERE",
    "AccountName",
    "AccountNotFoundError",
    "Balance",
    "BrokenRow",
    "Check",
    "EntryDraft",
    "InsufficientFundsError",
    "KeyReusedError",
    "Law",
    "OwnedBalance",
    "OwnedCredit",
    "OwnedPeriod",
    "PartialViewError",
    "PeriodPart",
    "PeriodTotal",
    "Posted",
    "StatementLine",
    "TransferDraft",
    "TransferRefusedError",
    "account_id",
    "balances_across",
    "books_with_tail",
    "close_period",
    "credited_since",
    "credits_of",
    "examine",
    "fingerprint",
    "get_balance",
    "get_balances",
    "has_entry",
    "open_account",
    "owned_balances",
    "owned_credits",
    "owned_periods",
    "period_totals",
    "periods",
    "post",
    "post_through",
    "roll_up",
    "shared_balances",
    "split_period",
    "statement",
    "verify",
]
