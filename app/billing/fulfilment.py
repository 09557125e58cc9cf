"""Recipes of several steps around the payment processor, shared by pages, webhooks and jobs.

Each step is a transaction of its own and nothing outside is called while one is open (R2.4): the
intent is recorded, the processor asked, its answer recorded. Every recipe may be repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.billing.models import TopUp, TopUpState
from app.billing.rules import require_trial_allows
from app.billing.top_ups import (
    attach_checkout,
    note_decline,
    read_top_up,
    request_top_up,
    settle_top_up,
)
from app.kernel import Money, transaction
from app.payments import CheckoutOrder, PaymentGateway
from app.tenancy import TenantScope, trial_of

SUCCEEDED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
    }
)
DECLINED = frozenset({"payment_intent.payment_failed"})


@dataclass(frozen=True, slots=True)
class PageTerms:
    """How the hosted page looks and where it comes back to.

    `return_address` holds `{top_up}`, which becomes the top-up's id.
    """

    return_address: str
    cancel_address: str
    customer_email: str
    description: str
    locale: str
    brand_name: str
    brand_accent: str
    statement_suffix: str = ""


@dataclass(frozen=True, slots=True)
class TopUpReference:
    """Which top-up a processor's event speaks of, from the metadata we gave it (R1.3)."""

    reseller_id: UUID
    top_up_id: UUID
    session_id: str | None


def start_top_up(
    gateway: PaymentGateway,
    scope: TenantScope,
    *,
    customer_id: UUID | None,
    amount: Money,
    request_key: str,
    terms: PageTerms,
    now: datetime,
) -> TopUp:
    """Record a top-up and make its hosted page; the same request key gives the same page.

    Without a customer, it is the reseller's own balance that is paid into. Refuses what
    `request_top_up` refuses, what a reseller on trial may not take, and with GatewayError when the
    processor does not answer: the top-up then waits in creation and the same key tries again.
    """
    with transaction(scope) as session:
        require_trial_allows(trial_of(session, scope), amount, is_live=gateway.is_live)
        top_up = request_top_up(
            session,
            scope,
            customer_id=customer_id,
            amount=amount,
            request_key=request_key,
            now=now,
        )
    if top_up.state != TopUpState.CREATING.value:
        return top_up
    page = gateway.create_checkout(_order(scope, top_up, amount, terms))
    with transaction(scope) as session:
        return attach_checkout(session, scope, top_up_id=top_up.id, page=page)


def confirm_top_up(
    gateway: PaymentGateway,
    scope: TenantScope,
    *,
    top_up_id: UUID,
    session_id: str | None = None,
    now: datetime,
) -> TopUp:
    """Ask the processor about a top-up and record its word: webhook, return page and sweeper.

    Refuses an unknown top-up and what `settle_top_up` refuses; GatewayError changes nothing.
    """
    with transaction(scope) as session:
        top_up = read_top_up(session, scope, top_up_id=top_up_id)
    known = session_id or top_up.session_id
    # About another page than the one that paid, the processor is asked: it may be paid as well.
    is_settled = top_up.state == TopUpState.SETTLED.value and known == top_up.session_id
    if is_settled or known is None:
        return top_up
    result = gateway.retrieve_checkout(known)
    with transaction(scope) as session:
        return settle_top_up(session, scope, top_up_id=top_up_id, result=result, now=now)


def apply_event(
    gateway: PaymentGateway,
    *,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> str:
    """Do what a stored processor event asks for; return the outcome as one word.

    The event only says where to look: the processor is asked for the present state (R4.7).
    """
    reference = read_reference(payload)
    if reference is None or kind not in SUCCEEDED | DECLINED:
        return "ignored"
    scope = TenantScope(reference.reseller_id)
    if kind in DECLINED:
        with transaction(scope) as session:
            return note_decline(session, scope, top_up_id=reference.top_up_id).state
    return confirm_top_up(
        gateway,
        scope,
        top_up_id=reference.top_up_id,
        session_id=reference.session_id,
        now=now,
    ).state


def read_reference(payload: Mapping[str, Any]) -> TopUpReference | None:
    """Return the top-up an event's object carries in its metadata; None for a stranger's."""
    found = payload.get("data", {}).get("object", {})
    metadata = found.get("metadata") or {}
    try:
        reseller, top_up = UUID(metadata["reseller"]), UUID(metadata["top_up"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    is_session = found.get("object") == "checkout.session"
    return TopUpReference(reseller, top_up, found.get("id") if is_session else None)


def _order(scope: TenantScope, top_up: TopUp, amount: Money, terms: PageTerms) -> CheckoutOrder:
    # The amount is part of the key: an edited amount can never meet the old page (R2.3).
    content = f"{top_up.id}:{amount.minor}:{amount.currency}"
    return CheckoutOrder(
        reference=str(top_up.id),
        key=f"top-up:{top_up.id}:{hashlib.sha256(content.encode()).hexdigest()[:16]}",
        amount=amount,
        description=terms.description,
        customer_email=terms.customer_email,
        success_url=terms.return_address.replace("{top_up}", str(top_up.id)),
        cancel_url=terms.cancel_address.replace("{top_up}", str(top_up.id)),
        expires_at=top_up.expires_at,
        locale=terms.locale,
        brand_name=terms.brand_name,
        brand_accent=terms.brand_accent,
        statement_suffix=terms.statement_suffix,
        metadata={"top_up": str(top_up.id), "reseller": str(scope.reseller_id)},
    )
