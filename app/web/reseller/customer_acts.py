"""What a reseller does for one customer: credit, limits, contracts, blocks."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from app import billing
from app.billing import BlockReason, Wallet
from app.edge import current_ports, current_scope
from app.kernel import transaction
from app.web.actors import acting
from app.web.company import CustomerAct, set_cap
from app.web.typed import Typed, begins
from app.web.words import gettext as _


def block(customer_id: UUID, typed: Typed) -> str:
    """Stop charging the customer."""
    scope = current_scope()
    with transaction(scope) as session:
        billing.block_customer(
            session,
            scope,
            customer_id=customer_id,
            reason=typed.choice("reason", BlockReason),
            actor=acting(),
        )
    return _("The customer is blocked: nothing is charged any more.")


def unblock(customer_id: UUID, _typed: Typed) -> str:
    """Let the customer be charged again."""
    scope = current_scope()
    with transaction(scope) as session:
        billing.unblock_customer(session, scope, customer_id=customer_id, actor=acting())
    return _("The customer is charged again.")


def give_credit(customer_id: UUID, typed: Typed) -> str:
    """Give credit from the reseller's own balance, as paid or as bonus credit."""
    scope, now = current_scope(), current_ports().clock()
    as_bonus = typed.optional_text("kind") == "bonus"
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.give_credit(
            session,
            scope,
            wallet_id=wallet.id,
            amount=typed.money("amount", wallet.currency),
            reason=typed.text("reason"),
            key=typed.text("request_key"),
            now=now,
            actor=acting(),
            as_bonus=as_bonus,
            expires_at=begins(typed.day("expires")) if typed.optional_text("expires") else None,
        )
    return _("The credit is given.")


def set_grace(customer_id: UUID, typed: Typed) -> str:
    """Say how much delivered usage may be owed."""
    scope = current_scope()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.set_grace(
            session,
            scope,
            wallet_id=wallet.id,
            limit=typed.money("limit", wallet.currency),
            actor=acting(),
        )
    return _("The grace limit is set.")


def set_mode(customer_id: UUID, typed: Typed) -> str:
    """Let the customer pay ahead, or by invoice up to a limit; a limit of nothing is prepaid."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        limit = typed.money("limit", wallet.currency)
        if limit:
            billing.set_postpaid(
                session,
                scope,
                customer_id=customer_id,
                credit_limit=limit,
                now=now,
                actor=acting(),
            )
            return _("The customer pays by invoice, up to the limit.")
        billing.set_prepaid(
            session,
            scope,
            customer_id=customer_id,
            currency=wallet.currency,
            now=now,
            actor=acting(),
        )
    return _("The customer pays ahead.")


def open_contract(customer_id: UUID, typed: Typed) -> str:
    """Agree a recurring fee."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        wallet: Wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.open_contract(
            session,
            scope,
            wallet_id=wallet.id,
            fee=typed.text("fee"),
            quantity=typed.whole("quantity"),
            starts_at=typed.since("valid_from", now=now),
            key=typed.text("request_key"),
            actor=acting(),
        )
    return _("The contract is open. Its first period is charged when it begins.")


def end_contract(customer_id: UUID, typed: Typed) -> str:
    """Begin no further period of a contract from a day on."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        contract = billing.get_contract(session, scope, contract_id=typed.identifier("contract"))
        if contract.wallet_id != wallet.id:
            raise billing.ContractNotFoundError(contract=str(contract.id))
        billing.end_contract(
            session,
            scope,
            contract_id=contract.id,
            at=typed.since("valid_from", now=now),
            actor=acting(),
        )
    return _("The contract ends: no period begins after that day.")


ACTS: Mapping[str, CustomerAct] = {
    "block": block,
    "unblock": unblock,
    "credit": give_credit,
    "grace": set_grace,
    "mode": set_mode,
    "cap": set_cap,
    "contract": open_contract,
    "contract_end": end_contract,
}
