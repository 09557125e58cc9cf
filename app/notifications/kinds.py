"""What messages there are, to whom they go, and what each of them must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from app.identity import Realm
from app.kernel import Money

Fact = str | int
Facts = Mapping[str, Fact]


class MessageKind(Enum):
    """Why somebody is written to."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of message
    EMAIL_CONFIRMATION = "email_confirmation"
    TOP_UP_RECEIPT = "top_up_receipt"
    AUTO_TOP_UP_FAILED = "auto_top_up_failed"
    LOW_BALANCE = "low_balance"
    SECURITY_NOTICE = "security_notice"
    RESELLER_WELCOME = "reseller_welcome"
    RESELLER_APPROVED = "reseller_approved"
    RESELLER_REFUSED = "reseller_refused"
    RESELLER_ASKED = "reseller_asked"
    TRIAL_ENDING = "trial_ending"


class ChannelName(Enum):
    """The ways a message can take; those to come join here and in `Post.channels`."""

    EMAIL = "email"


class DeliveryState(Enum):
    """A queued delivery is tried until it is sent or given up; a sent one may still come back."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is written to. Without a `language` it is the brand's; `user_id` may be nobody yet."""

    realm: Realm
    user_id: UUID | None
    address: str = field(repr=False)
    name: str = field(repr=False)
    language: str | None = None


class FactsError(ValueError):
    """A message was queued without what it must say, or with what it never says."""


# Each realm hears of what it can turn off; everything else is about somebody's way in or money
# that is missing, and comes whatever she prefers.
OPTIONAL_KINDS: Mapping[Realm, tuple[MessageKind, ...]] = {
    Realm.CUSTOMER: (MessageKind.TOP_UP_RECEIPT, MessageKind.LOW_BALANCE),
    Realm.STAFF: (MessageKind.TOP_UP_RECEIPT,),
    Realm.PLATFORM: (),
}

_AMOUNT: Mapping[str, type] = {"amount_minor": int, "currency": str}
_LINK: Mapping[str, type] = {"link_id": str}
_REQUIRED: Mapping[MessageKind, Mapping[str, type]] = {
    MessageKind.INVITATION: _LINK,
    MessageKind.PASSWORD_RESET: _LINK,
    MessageKind.EMAIL_CONFIRMATION: _LINK,
    MessageKind.TOP_UP_RECEIPT: {
        **_AMOUNT,
        "bonus_minor": int,
        "balance_minor": int,
        "paid_at": str,
    },
    MessageKind.AUTO_TOP_UP_FAILED: _AMOUNT,
    MessageKind.LOW_BALANCE: {"balance_minor": int, "threshold_minor": int, "currency": str},
    MessageKind.SECURITY_NOTICE: {"what": str, "happened_at": str},
    MessageKind.RESELLER_WELCOME: {"tenant_id": str},
    MessageKind.RESELLER_APPROVED: {"tenant_id": str},
    MessageKind.RESELLER_REFUSED: {"company": str},
    MessageKind.RESELLER_ASKED: {"tenant_id": str, "question": str},
    MessageKind.TRIAL_ENDING: {"tenant_id": str, "ends_at": str},
}
_POSSIBLE: Mapping[MessageKind, Mapping[str, type]] = {
    MessageKind.INVITATION: {"inviter": str, "expires_at": str},
    MessageKind.PASSWORD_RESET: {"expires_at": str, "reason": str},
    MessageKind.EMAIL_CONFIRMATION: {"expires_at": str},
    MessageKind.AUTO_TOP_UP_FAILED: {"retry_at": str},
    MessageKind.SECURITY_NOTICE: {"device": str},
    MessageKind.RESELLER_REFUSED: {"reason": str},
}


def is_optional(kind: MessageKind, realm: Realm) -> bool:
    """True where the recipient may turn messages of this kind off."""
    return kind in OPTIONAL_KINDS[realm]


def require_facts(kind: MessageKind, facts: Facts) -> dict[str, Fact]:
    """Return the facts of a message as they are kept.

    Raises FactsError for one that is missing, unknown or of the wrong type: ids are UUIDs, times
    aware ISO 8601, amounts in minor units.
    """
    required, possible = _REQUIRED[kind], _POSSIBLE.get(kind, {})
    missing, unknown = (
        required.keys() - facts.keys(),
        facts.keys() - required.keys() - possible.keys(),
    )
    if missing or unknown:
        raise FactsError(f"{kind.value}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    for name, value in facts.items():
        _require_value(name, value, {**required, **possible}[name])
    return dict(facts)


def _require_value(name: str, value: object, expected: type) -> None:
    if type(value) is not expected:
        raise FactsError(f"{name} must be {expected.__name__}")
    if name.endswith("_id"):
        UUID(str(value))
    elif name.endswith("_at") and datetime.fromisoformat(str(value)).tzinfo is None:
        raise FactsError(f"{name} must be an aware time")
    elif name == "currency":
        Money(0, str(value))
