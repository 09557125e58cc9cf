from app import ledger
from app.kernel import AppError, Kind, translatable


class WalletNotFoundError(AppError):
    """No wallet of this customer in this currency; absent and foreign look the same."""

    kind = Kind.NOT_FOUND
    code = "billing.customer_not_found"
    text = translatable("There is no such customer.")


class InsufficientFundsError(AppError):
    """The wallet cannot pay; nothing was written and the same event may be sent again.

    `facts`: required, available and missing in minor units, currency.
    """

    kind = Kind.PAYMENT_REQUIRED
    code = "billing.insufficient_funds"
    text = translatable("The balance is too low for this charge. Top up and send it again.")


class EventIdReusedError(AppError):
    """The usage event's id was charged before with other content."""

    kind = Kind.CONFLICT
    code = "billing.event_id_reused"
    text = translatable(
        "This event id has already been charged with different content. Send a new id."
    )


class WalletFrozenError(AppError):
    """The wallet is frozen until somebody has looked at its books."""

    kind = Kind.CONFLICT
    code = "billing.wallet_frozen"
    text = translatable("This wallet is frozen. Please contact support.")


class CustomerBlockedError(AppError):
    """The customer is blocked: her wallets are charged nothing, and nothing was written."""

    kind = Kind.FORBIDDEN
    code = "billing.customer_blocked"
    text = translatable("This customer is blocked. Please contact support.")


class FutureUsageError(AppError):
    """The usage claims to have happened in the future."""

    kind = Kind.INVALID
    code = "billing.future_usage"
    text = translatable("The time of use is in the future.")


class AmountRefusedError(AppError):
    """A top-up below the least or above the greatest amount."""

    kind = Kind.INVALID
    code = "billing.amount_refused"
    text = translatable("Choose an amount between 5 and 5,000.")


class TopUpNotFoundError(AppError):
    """No such top-up of this customer."""

    kind = Kind.NOT_FOUND
    code = "billing.top_up_not_found"
    text = translatable("There is no such top-up.")


class TopUpInProgressError(AppError):
    """Another top-up of this wallet is being created. `facts`: retry_after seconds."""

    kind = Kind.TOO_MANY
    code = "billing.top_up_in_progress"
    text = translatable("Another top-up is being prepared. Wait a moment and try again.")


class RequestKeyReusedError(AppError):
    """The request key belongs to a top-up over another amount."""

    kind = Kind.CONFLICT
    code = "billing.request_key_reused"
    text = translatable(
        "This request has already been sent with a different amount. Please start again."
    )


class AmountMismatchError(AppError):
    """The processor says another amount, currency or mode than we asked for: no credit (R1.3)."""

    kind = Kind.CONFLICT
    code = "billing.amount_mismatch"
    text = translatable("The payment does not match the top-up. Support has been notified.")


class CapReachedError(AppError):
    """The charge would pass a spending cap of the wallet or of the subject; it binds nothing.

    `facts`: limit, spent, and held by open holds, in minor units; currency.
    """

    kind = Kind.PAYMENT_REQUIRED
    code = "billing.cap_reached"
    text = translatable("The monthly spending limit is reached. Raise it and send it again.")


class HoldKeyReusedError(AppError):
    """The hold's id was used before with another amount or customer."""

    kind = Kind.CONFLICT
    code = "billing.hold_key_reused"
    text = translatable("This hold id has already been used for another hold. Send a new id.")


class HoldTimeRefusedError(AppError):
    """A hold that would last less than a minute or more than a day. `facts`: both in seconds."""

    kind = Kind.INVALID
    code = "billing.hold_time_refused"
    text = translatable("A hold lasts between a minute and a day. Choose another time.")


class HoldAmountRefusedError(AppError):
    """A hold of nothing, or of more than a top-up may be. `facts`: greatest in minor units."""

    kind = Kind.INVALID
    code = "billing.hold_amount_refused"
    text = translatable("The amount to hold must be more than zero and at most 5,000.")


class MalformedUsageError(AppError):
    """What was sent is no usage event. `facts`: errors, a field and a reason each."""

    kind = Kind.INVALID
    code = "billing.malformed_usage"
    text = translatable("This is no usage event; “errors” names each field that is refused.")


class UnknownSubjectError(AppError):
    """The line, agent or calendar was nobody's at the time of use; another reseller's looks so."""

    kind = Kind.NOT_FOUND
    code = "billing.unknown_subject"
    text = translatable("This line or agent belonged to nobody then. Assign it and send it again.")


class SubjectNeededError(AppError):
    """The platform's meter named a customer; for it only the subject says whose usage it is."""

    kind = Kind.INVALID
    code = "billing.subject_needed"
    text = translatable("Name the line or agent as “subject”, not a customer.")


class CreditAmountError(AppError):
    """An amount of credit that is nothing, negative where it must not be, or beyond all reason."""

    kind = Kind.INVALID
    code = "billing.credit_amount_refused"
    text = translatable("Enter an amount between 0.01 and 1,000,000.")


class LimitRefusedError(AppError):
    """A limit below zero or beyond all reason."""

    kind = Kind.INVALID
    code = "billing.limit_refused"
    text = translatable("Enter a limit between 0 and 1,000,000.")


class ReasonRefusedError(AppError):
    """Credit or a reversal by hand without a reason that somebody can read later."""

    kind = Kind.INVALID
    code = "billing.reason_refused"
    text = translatable("Give a reason of 3 to 200 characters.")


class ExpiryRefusedError(AppError):
    """A time of expiry in the past, or of credit that does not expire."""

    kind = Kind.INVALID
    code = "billing.expiry_refused"
    text = translatable("Choose a date in the future; only bonus credit expires.")


class LimitBelowDebtError(AppError):
    """More is owed, or held, than the new limit allows. `facts`: owed (minor units), currency."""

    kind = Kind.CONFLICT
    code = "billing.limit_below_debt"
    text = translatable("More than this is owed already. Choose a higher limit.")


class PlatformOnlyError(AppError):
    """Somebody else than the platform wants to make credit out of nothing."""

    kind = Kind.FORBIDDEN
    code = "billing.platform_only"
    text = translatable("Only the platform may do this. Give credit from your own balance instead.")


class OwnBalanceTooLowError(AppError):
    """The reseller's own balance cannot pay.

    `facts`: available and required in minor units, currency.
    """

    kind = Kind.PAYMENT_REQUIRED
    code = "billing.own_balance_too_low"
    text = translatable("Your own balance is too low. Top it up or fund it from commission.")


class CommissionTooLowError(AppError):
    """Less commission is there than is to be taken; `facts` as when funds are too low."""

    kind = Kind.PAYMENT_REQUIRED
    code = "billing.commission_too_low"
    text = translatable("There is not that much commission. Choose a smaller amount.")


class ContractNotFoundError(AppError):
    """No such contract of this reseller."""

    kind = Kind.NOT_FOUND
    code = "billing.contract_not_found"
    text = translatable("There is no such contract.")


class ContractQuantityError(AppError):
    """A contract over nothing, or over more than anybody has."""

    kind = Kind.INVALID
    code = "billing.contract_quantity_refused"
    text = translatable("Choose a quantity between 1 and 10,000.")


class ContractKeyReusedError(AppError):
    """The key belongs to a contract with other content."""

    kind = Kind.CONFLICT
    code = "billing.contract_key_reused"
    text = translatable("This key belongs to another contract. Send a new one.")


class ContractEndError(AppError):
    """An end before the start, or later than one that was set before."""

    kind = Kind.CONFLICT
    code = "billing.contract_end_refused"
    text = translatable("Choose an end after the start, and no later than one set before.")


class ChargeNotFoundError(AppError):
    """No charge of this reseller's customers has this entry: no usage and no fee."""

    kind = Kind.NOT_FOUND
    code = "billing.charge_not_found"
    text = translatable("There is no such charge.")


class AlreadyReversedError(AppError):
    """The charge was written off before; nothing happened now."""

    kind = Kind.CONFLICT
    code = "billing.already_reversed"
    text = translatable("This charge has already been written off.")


def insufficient(refused: ledger.InsufficientFundsError) -> Exception:
    """Return the ledger's refusal in billing's words, with what is missing."""
    required, available = refused.facts.get("required"), refused.facts.get("available")
    if not isinstance(required, int) or not isinstance(available, int):
        return refused
    return InsufficientFundsError(**refused.facts, missing=required - available)


class TrialTopUpError(AppError):
    """A reseller on trial takes no real money, and no large amount."""

    kind = Kind.FORBIDDEN
    code = "billing.trial_top_up"
    # A customer reads this, too: it says nothing of a trial.
    text = translatable("Payments of this amount are not possible here yet.")
