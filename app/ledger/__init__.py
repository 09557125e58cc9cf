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
    set_credit_limit,
    statement,
)
from app.ledger.batches import KnownEntry, LockedBalance, known_entries, lock_balances, post_many
from app.ledger.entries import (
    EntryDraft,
    Posted,
    TransferDraft,
    as_array,
    fingerprint,
    post,
    post_through,
)
from app.ledger.errors import (
    AccountNotFoundError,
    BooksMovedError,
    HoldClosedError,
    HoldNotFoundError,
    InsufficientFundsError,
    KeyReusedError,
    TransferRefusedError,
)
from app.ledger.holds import (
    Held,
    HoldDraft,
    expire_holds,
    extend_hold,
    get_hold,
    hold,
    hold_through,
    overdue_accounts,
    release_hold,
)
from app.ledger.laws import NOWHERE, Law
from app.ledger.models import Hold, HoldState
from app.ledger.stored_entries import StoredEntry, stored_entry
from app.ledger.totals import credited_since, credits_of, shared_balances
from app.ledger.verification import BrokenRow, Check, PartialViewError, examine, verify

__all__ = [
    "NOWHERE",
    "AccountName",
    "AccountNotFoundError",
    "Balance",
    "BooksMovedError",
    "BrokenRow",
    "Check",
    "EntryDraft",
    "Held",
    "Hold",
    "HoldClosedError",
    "HoldDraft",
    "HoldNotFoundError",
    "HoldState",
    "InsufficientFundsError",
    "KeyReusedError",
    "KnownEntry",
    "Law",
    "LockedBalance",
    "OwnedBalance",
    "PartialViewError",
    "Posted",
    "StatementLine",
    "StoredEntry",
    "TransferDraft",
    "TransferRefusedError",
    "account_id",
    "as_array",
    "balances_across",
    "books_with_tail",
    "credited_since",
    "credits_of",
    "examine",
    "expire_holds",
    "extend_hold",
    "fingerprint",
    "get_balance",
    "get_balances",
    "get_hold",
    "hold",
    "hold_through",
    "known_entries",
    "lock_balances",
    "open_account",
    "overdue_accounts",
    "owned_balances",
    "post",
    "post_many",
    "post_through",
    "release_hold",
    "roll_up",
    "set_credit_limit",
    "shared_balances",
    "statement",
    "stored_entry",
    "verify",
]
