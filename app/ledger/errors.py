from app.kernel import AppError, Kind, translatable


class PartialViewError(PermissionError):
    """A tenant sees its own rows alone: what it calls broken may be whole, and the other way."""


class InsufficientFundsError(AppError):
    """A guarded account cannot pay. `facts`: available, required (minor units), currency."""

    kind = Kind.PAYMENT_REQUIRED
    code = "ledger.insufficient_funds"
    text = translatable("The balance is too low for this charge. Top up and send it again.")


class KeyReusedError(AppError):
    """The idempotency key belongs to an entry with other input (requirement C3)."""

    kind = Kind.CONFLICT
    code = "ledger.key_reused"
    text = translatable("This id has already been used with different content. Send a new id.")


class TransferRefusedError(AppError):
    """Unknown account, two currencies, or kinds that the table of rules does not join."""

    kind = Kind.INVALID
    code = "ledger.transfer_refused"
    text = translatable("This booking is not allowed.")


class AccountNotFoundError(AppError):
    """No such account in this book."""

    kind = Kind.NOT_FOUND
    code = "ledger.account_not_found"
    text = translatable("There is no such account.")


class BooksMovedError(AppError):
    """The books moved while many entries were prepared; nothing was written, prepare them again."""

    kind = Kind.UNAVAILABLE
    code = "ledger.books_moved"
    text = translatable("The account is busy right now. Send it again in a moment.")


class HoldNotFoundError(AppError):
    """No such hold in this book."""

    kind = Kind.NOT_FOUND
    code = "ledger.hold_not_found"
    text = translatable("There is no such hold.")


class HoldClosedError(AppError):
    """The hold was captured or released before, or its time is over."""

    kind = Kind.CONFLICT
    code = "ledger.hold_closed"
    text = translatable("This hold is already closed. Report the usage without it.")


class HeadKeyMissingError(AppError):
    """There are exported heads, and the key that signed them is gone. `facts`: file."""

    kind = Kind.CONFLICT
    code = "ledger.head_key_missing"
    text = translatable(
        "The key of the exported heads is missing. Put it back, or move the file of heads away "
        "and run: kontor ledger export-head --start-over"
    )


class HeadsLostError(AppError):
    """The file of exported heads ends before what the database remembers. `facts`: line."""

    kind = Kind.CONFLICT
    code = "ledger.heads_lost"
    text = translatable(
        "Exported heads are missing from their file. Put the file back, or move what is left of "
        "it away and run: kontor ledger export-head --start-over"
    )


class HeadsKeptError(AppError):
    """Starting over would write on after heads that are still there."""

    kind = Kind.CONFLICT
    code = "ledger.heads_kept"
    text = translatable("There are exported heads. Move their file away before you start over.")
