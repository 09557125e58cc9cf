from app.kernel import AppError, Kind, translatable


class ChannelError(Exception):
    """A channel did not take a message. `answer` says why, without personal data.

    One that is `retryable` may succeed later as it is; the others never will.
    """

    def __init__(self, answer: str, *, retryable: bool) -> None:
        super().__init__(answer)
        self.answer = answer
        self.retryable = retryable


class DeliveryNotFoundError(AppError):
    """No delivery of this tenant has that id."""

    kind = Kind.NOT_FOUND
    code = "notifications.delivery_not_found"
    text = translatable("This message does not exist. Open the list of messages again.")


class DeliveryFinishedError(AppError):
    """Only a delivery that failed, or waits for another attempt, can be sent again."""

    kind = Kind.CONFLICT
    code = "notifications.delivery_finished"
    text = translatable("This message has already been sent. There is nothing to send again.")


class MessageEssentialError(AppError):
    """Messages of this kind cannot be turned off."""

    kind = Kind.INVALID
    code = "notifications.essential"
    text = translatable("These e-mails cannot be turned off: your access or money depends on them.")


class SendingDomainRefusedError(AppError):
    """The text is no domain name that mail could be sent from."""

    kind = Kind.INVALID
    code = "notifications.sending_domain_refused"
    text = translatable("This is no domain name. Write it like example.com.")


class SendingDomainTakenError(AppError):
    """The domain is verified for another tenant."""

    kind = Kind.CONFLICT
    code = "notifications.sending_domain_taken"
    text = translatable("This domain already sends e-mails for somebody else.")


class SendingDomainNotFoundError(AppError):
    """The tenant has no such sending domain."""

    kind = Kind.NOT_FOUND
    code = "notifications.sending_domain_not_found"
    text = translatable("This sending domain does not exist. Open the list again.")


class SendingDomainKnownError(AppError):
    """The tenant has this sending domain already."""

    kind = Kind.CONFLICT
    code = "notifications.sending_domain_known"
    text = translatable("This sending domain is on your list already.")


class TooManySendingDomainsError(AppError):
    """The tenant has as many sending domains as anybody needs."""

    kind = Kind.CONFLICT
    code = "notifications.too_many_sending_domains"
    text = translatable("You have %(most)s sending domains. Remove one that you do not need first.")


class ReportUnreadableError(AppError):
    """What was read is no delivery report of a message that we sent."""

    kind = Kind.INVALID
    code = "notifications.report_unreadable"
    text = translatable("This is no delivery report for a message that was sent from here.")
