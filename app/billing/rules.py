import hashlib
from uuid import UUID

from app.billing.errors import (
    AmountRefusedError,
    CreditAmountError,
    LimitRefusedError,
    ReasonRefusedError,
    TrialTopUpError,
)
from app.billing.models import TopUpState, WalletState
from app.kernel import AppError, Kind, Money, translatable
from app.tenancy import TrialTerms

# Least and greatest top-up, in minor units: below, the processor's fee eats it; above, a person
# should be asked (money laundering).
LEAST_TOP_UP = 500
GREATEST_TOP_UP = 500_000

# Against slips of the finger, in minor units: what a person gives, takes or allows at once.
GREATEST_CREDIT = 100_000_000

LEAST_REASON, GREATEST_REASON = 3, 200

# Digits of a third party's number that stay readable at its ends (requirement M3).
SHOWN_AHEAD = 4
SHOWN_BEHIND = 2

# Money that arrived is credited, whatever we believed before; a settled top-up never moves again.
_MOVES: dict[TopUpState, frozenset[TopUpState]] = {
    TopUpState.CREATING: frozenset(
        {TopUpState.PENDING, TopUpState.SETTLED, TopUpState.FAILED, TopUpState.EXPIRED}
    ),
    TopUpState.PENDING: frozenset({TopUpState.SETTLED, TopUpState.FAILED, TopUpState.EXPIRED}),
    TopUpState.FAILED: frozenset({TopUpState.SETTLED}),
    TopUpState.EXPIRED: frozenset({TopUpState.SETTLED}),
    TopUpState.SETTLED: frozenset(),
}


class TopUpMoveRefusedError(AppError):
    """The top-up cannot go from its state to this one."""

    kind = Kind.CONFLICT
    code = "billing.top_up_move_refused"
    text = translatable("This top-up is already closed.")


def may_move(current: TopUpState, target: TopUpState) -> bool:
    """Return whether a top-up may go from one state to another."""
    return target in _MOVES[current]


def move(current: TopUpState, target: TopUpState) -> str:
    """Return the target's stored value if the move is allowed, else raise."""
    if not may_move(current, target):
        raise TopUpMoveRefusedError(current=current.value, target=target.value)
    return target.value


def wallet_state(*, is_frozen: bool, is_blocked: bool) -> WalletState:
    """Return the state of a wallet; doubt about its books outlasts a block of its customer."""
    if is_frozen:
        return WalletState.FROZEN
    return WalletState.BLOCKED if is_blocked else WalletState.ACTIVE


def require_top_up_amount(amount: Money) -> None:
    """Refuse an amount outside the limits."""
    if not LEAST_TOP_UP <= amount.minor <= GREATEST_TOP_UP:
        raise AmountRefusedError(least=LEAST_TOP_UP, greatest=GREATEST_TOP_UP)


def require_credit_amount(amount: Money) -> None:
    """Refuse credit of nothing, below zero, or above the limit."""
    if not 0 < amount.minor <= GREATEST_CREDIT:
        raise CreditAmountError(amount=amount.minor)


def require_limit(limit: Money) -> None:
    """Refuse a limit below zero or above all reason."""
    if not 0 <= limit.minor <= GREATEST_CREDIT:
        raise LimitRefusedError(limit=limit.minor)


def require_reason(raw: str) -> str:
    """Return a reason without spaces around it; refuse one too short, too long or unprintable."""
    reason = raw.strip()
    if not LEAST_REASON <= len(reason) <= GREATEST_REASON or not reason.isprintable():
        raise ReasonRefusedError
    return reason


def require_trial_allows(trial: TrialTerms | None, amount: Money, *, is_live: bool) -> None:
    """Refuse, on trial, a payment of real money and one above the trial's amount."""
    if trial is not None and (is_live or amount.minor > trial.top_up_minor):
        raise TrialTopUpError


def usage_key(event_id: str) -> str:
    """Return the ledger's key of a usage event; `verification.py` reckons it the same way.

    Not the id itself: senders make it of what they have, which may be a telephone number, and the
    ledger forgets nothing (M3).
    """
    return f"usage:{hashlib.sha256(event_id.encode()).hexdigest()[:32]}"


def hold_key(key: str) -> str:
    """Return the ledger's key of a hold: not the sender's itself, as with `usage_key`."""
    return f"hold:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def reversal_key(entry_id: UUID | str) -> str:
    """Return the ledger's key of the entry that writes a charge off, once for each."""
    return f"reversal:{entry_id}"


def mask_number(number: str) -> str:
    """Return a phone number with its middle hidden; a short one is hidden whole (M3)."""
    hidden = len(number) - SHOWN_AHEAD - SHOWN_BEHIND
    if hidden < SHOWN_BEHIND:
        return "•" * len(number)
    return number[:SHOWN_AHEAD] + "•" * hidden + number[-SHOWN_BEHIND:]
