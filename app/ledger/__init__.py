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
    HeadKeyMissingError,
    HeadsKeptError,
    HeadsLostError,
    InsufficientFundsError,
    KeyReusedError,
    PartialViewError,
    TransferRefusedError,
)
from app.ledger.export_checks import examine_export
from app.ledger.exports import export_heads
from app.ledger.laws import NOWHERE, Law
from app.ledger.ports import HeadLog
from app.ledger.reach import Reach, mark_new, record_verified, relations
from app.ledger.totals import credited_since, credits_of, shared_balances
from app.ledger.verification import BrokenRow, Check, examine, examine_all, verify

__all__ = [
    "NOWHERE",
    "AccountName",
    "AccountNotFoundError",
    "Balance",
    "BrokenRow",
    "Check",
    "EntryDraft",
    "HeadKeyMissingError",
    "HeadLog",
    "HeadsKeptError",
    "HeadsLostError",
    "InsufficientFundsError",
    "KeyReusedError",
    "Law",
    "OwnedBalance",
    "PartialViewError",
    "Posted",
    "Reach",
    "StatementLine",
    "TransferDraft",
    "TransferRefusedError",
    "account_id",
    "balances_across",
    "books_with_tail",
    "credited_since",
    "credits_of",
    "examine",
    "examine_all",
    "examine_export",
    "export_heads",
    "fingerprint",
    "get_balance",
    "get_balances",
    "mark_new",
    "open_account",
    "owned_balances",
    "post",
    "post_through",
    "record_verified",
    "relations",
    "roll_up",
    "shared_balances",
    "statement",
    "verify",
]
