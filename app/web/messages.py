"""Lists of messages, as the portals of reseller and platform share them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from app import notifications
from app.kernel import PAGE_SIZE, BadCursorError
from app.notifications import DeliveryLine, DeliveryState
from app.tenancy import PlatformScope, TenantScope
from app.web.navigation import NavigationItem
from app.web.words import gettext as _


@dataclass(frozen=True, slots=True)
class MessageList:
    """A page of deliveries, the filter above it and the way on."""

    lines: list[DeliveryLine]
    chips: list[NavigationItem]
    is_filtered: bool
    older_url: str | None
    newest_url: str | None


def read_messages(
    session: Session, scope: TenantScope | PlatformScope, *, endpoint: str
) -> MessageList:
    """Return the page that the address asks for; refuses a damaged link."""
    state = _chosen_state()
    before = _chosen_position()
    found = notifications.list_deliveries(
        session, scope, state=state, before=before, limit=PAGE_SIZE + 1
    )
    lines = found[:PAGE_SIZE]
    counts = notifications.count_deliveries(session, scope)
    # Without a state the address has none.
    chosen = state.value if state else None
    return MessageList(
        lines=lines,
        chips=[
            NavigationItem(_("All"), url_for(endpoint), state is None),
            *(
                NavigationItem(
                    f"{label} {counts[each]}",
                    url_for(endpoint, state=each.value),
                    state is each,
                )
                for each, label in _state_names().items()
            ),
        ],
        is_filtered=state is not None,
        older_url=(
            url_for(endpoint, before=str(lines[-1].id), state=chosen)
            if len(found) > PAGE_SIZE
            else None
        ),
        newest_url=url_for(endpoint, state=chosen) if before else None,
    )


def _state_names() -> dict[DeliveryState, str]:
    return {
        DeliveryState.QUEUED: _("Waiting"),
        DeliveryState.SENT: _("Sent"),
        DeliveryState.FAILED: _("Failed"),
        DeliveryState.BOUNCED: _("Came back"),
    }


def _chosen_state() -> DeliveryState | None:
    chosen = request.args.get("state", "")
    return next((each for each in DeliveryState if each.value == chosen), None)


def _chosen_position() -> UUID | None:
    text = request.args.get("before", "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as damaged:
        raise BadCursorError(cursor=text[:40]) from damaged
