"""Limits, lines and people of a customer: what her reseller, and her own owners, do for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from app import billing, identity
from app.edge import current_ports, current_scope
from app.identity import CustomerRole, Realm
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import Elsewhere, ShownOnce
from app.web.typed import Typed
from app.web.words import gettext as _

CustomerAct = Callable[[UUID, Typed], str | ShownOnce | Elsewhere]


def set_cap(customer_id: UUID, typed: Typed) -> str:
    """Set what may be spent in a month, of the account or of a line; empty: no cap."""
    scope = current_scope()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.set_cap(
            session,
            scope,
            wallet_id=wallet.id,
            subject=typed.optional_text("subject") or None,
            limit=typed.optional_money("limit", wallet.currency),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The spending limit is set.")


def assign_subject(customer_id: UUID, typed: Typed) -> str:
    """Let a line's usage be the customer's from a day on."""
    return _subject(typed, customer_id, _("The line belongs to this customer."))


def release_subject(_customer_id: UUID, typed: Typed) -> str:
    """Let a line be nobody's from a day on."""
    return _subject(typed, None, _("The line is released."))


def _subject(typed: Typed, customer_id: UUID | None, done: str) -> str:
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        identity.assign_subject(
            session,
            scope,
            subject=typed.text("subject"),
            customer_id=customer_id,
            valid_from=typed.since("valid_from", now=now),
            now=now,
            actor=acting(),
        )
    return done


def invite_user(customer_id: UUID, typed: Typed) -> str:
    """Have a person of the customer sent a link by which she chooses her password."""
    scope = current_scope()
    with transaction(scope) as session:
        link = identity.invite_customer_user(
            session,
            scope,
            customer_id=customer_id,
            email=typed.text("email"),
            name=typed.text("name"),
            role=typed.choice("role", CustomerRole),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def resend_invitation(customer_id: UUID, typed: Typed) -> str:
    """Send an invited person a new link; the earlier one ends."""
    scope = current_scope()
    with transaction(scope) as session:
        link = identity.resend_invitation(
            session,
            scope,
            realm=Realm.CUSTOMER,
            customer_id=customer_id,
            user_id=typed.identifier("user"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def remove_user(customer_id: UUID, typed: Typed) -> str:
    """Take a person's sign-in away."""
    scope = current_scope()
    with transaction(scope) as session:
        identity.remove_customer_user(
            session,
            scope,
            customer_id=customer_id,
            user_id=typed.identifier("user"),
            actor=acting(),
        )
    return _("The sign-in is removed, and every session of it has ended.")


def change_role(customer_id: UUID, typed: Typed) -> str:
    """Make a person an owner or a member."""
    scope = current_scope()
    with transaction(scope) as session:
        identity.change_customer_role(
            session,
            scope,
            customer_id=customer_id,
            user_id=typed.identifier("user"),
            role=typed.choice("role", CustomerRole),
            actor=acting(),
        )
    return _("The role is changed.")


SUBJECT_ACTS: Mapping[str, CustomerAct] = {"subject": assign_subject, "release": release_subject}
USER_ACTS: Mapping[str, CustomerAct] = {
    "user": invite_user,
    "user_resend": resend_invitation,
    "user_remove": remove_user,
    "user_role": change_role,
}
