from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.identity import Realm
from app.notifications.errors import MessageEssentialError
from app.notifications.kinds import (
    OPTIONAL_KINDS,
    ChannelName,
    MessageKind,
    Recipient,
    is_optional,
)
from app.notifications.models import NotificationPreference
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class Preference:
    """A kind of message that a person may turn off, and whether she wants it."""

    kind: MessageKind
    is_wanted: bool


def list_preferences(
    session: Session, scope: TenantScope, *, realm: Realm, user_id: UUID
) -> list[Preference]:
    """Return what a person may turn off by e-mail; what she never touched is on."""
    rows = session.execute(
        select(NotificationPreference.kind, NotificationPreference.is_wanted).where(
            NotificationPreference.reseller_id == scope.reseller_id,
            NotificationPreference.realm == realm.value,
            NotificationPreference.user_id == user_id,
            NotificationPreference.channel == ChannelName.EMAIL.value,
        )
    )
    chosen = {row[0]: bool(row[1]) for row in rows}
    return [Preference(kind, chosen.get(kind.value, True)) for kind in OPTIONAL_KINDS[realm]]


def choose_messages(
    session: Session,
    scope: TenantScope,
    *,
    realm: Realm,
    user_id: UUID,
    wanted: Collection[MessageKind],
) -> None:
    """Keep which of the optional kinds a person wants by e-mail.

    Refuses a kind that cannot be turned off.
    """
    if any(not is_optional(kind, realm) for kind in wanted):
        raise MessageEssentialError
    values = [
        {
            "reseller_id": scope.reseller_id,
            "realm": realm.value,
            "user_id": user_id,
            "kind": kind.value,
            "channel": ChannelName.EMAIL.value,
            "is_wanted": kind in wanted,
        }
        for kind in OPTIONAL_KINDS[realm]
    ]
    statement = insert(NotificationPreference).values(values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["reseller_id", "realm", "user_id", "kind", "channel"],
            set_={"is_wanted": statement.excluded.is_wanted},
        )
    )


def is_wanted(
    session: Session, scope: TenantScope, *, kind: MessageKind, to: Recipient, channel: ChannelName
) -> bool:
    """True unless the recipient has turned this kind off, and may."""
    if to.user_id is None or not is_optional(kind, to.realm):
        return True
    chosen = session.scalar(
        select(NotificationPreference.is_wanted).where(
            NotificationPreference.reseller_id == scope.reseller_id,
            NotificationPreference.realm == to.realm.value,
            NotificationPreference.user_id == to.user_id,
            NotificationPreference.kind == kind.value,
            NotificationPreference.channel == channel.value,
        )
    )
    return chosen is not False
