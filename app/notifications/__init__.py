"""Messages to people: queued once, rendered in a brand and a language, sent, and accounted for."""

from app.notifications.bounces import BounceReport, mark_bounced, read_bounce_report
from app.notifications.deliveries import deliver_message, due_messages
from app.notifications.delivery_log import (
    DeliveryLine,
    count_deliveries,
    forget_messages,
    list_deliveries,
    retry_delivery,
)
from app.notifications.email_channel import EmailChannel
from app.notifications.errors import (
    ChannelError,
    DeliveryFinishedError,
    DeliveryNotFoundError,
    MessageEssentialError,
    ReportUnreadableError,
    SendingDomainKnownError,
    SendingDomainNotFoundError,
    SendingDomainRefusedError,
    SendingDomainTakenError,
    TooManySendingDomainsError,
)
from app.notifications.kinds import (
    OPTIONAL_KINDS,
    ChannelName,
    DeliveryState,
    FactsError,
    MessageKind,
    Recipient,
)
from app.notifications.messages import DELIVER_TASK, queue_message
from app.notifications.models import SendingDomain, SendingDomainState
from app.notifications.ports import (
    Channel,
    DomainKeys,
    Mail,
    MailTransport,
    Parcel,
    Post,
    Sealed,
    Signature,
    Words,
)
from app.notifications.preferences import Preference, choose_messages, list_preferences
from app.notifications.rendering import Rendered
from app.notifications.samples import PREVIEWED_KINDS, preview_message
from app.notifications.sending_domains import (
    DnsRecord,
    add_sending_domain,
    dns_records,
    list_all_sending_domains,
    list_sending_domains,
    remove_sending_domain,
    verify_sending_domain,
)

__all__ = [
    "DELIVER_TASK",
    "OPTIONAL_KINDS",
    "PREVIEWED_KINDS",
    "BounceReport",
    "Channel",
    "ChannelError",
    "ChannelName",
    "DeliveryFinishedError",
    "DeliveryLine",
    "DeliveryNotFoundError",
    "DeliveryState",
    "DnsRecord",
    "DomainKeys",
    "EmailChannel",
    "FactsError",
    "Mail",
    "MailTransport",
    "MessageEssentialError",
    "MessageKind",
    "Parcel",
    "Post",
    "Preference",
    "Recipient",
    "Rendered",
    "ReportUnreadableError",
    "Sealed",
    "SendingDomain",
    "SendingDomainKnownError",
    "SendingDomainNotFoundError",
    "SendingDomainRefusedError",
    "SendingDomainState",
    "SendingDomainTakenError",
    "Signature",
    "TooManySendingDomainsError",
    "Words",
    "add_sending_domain",
    "choose_messages",
    "count_deliveries",
    "deliver_message",
    "dns_records",
    "due_messages",
    "forget_messages",
    "list_all_sending_domains",
    "list_deliveries",
    "list_preferences",
    "list_sending_domains",
    "mark_bounced",
    "preview_message",
    "queue_message",
    "read_bounce_report",
    "remove_sending_domain",
    "retry_delivery",
    "verify_sending_domain",
]
