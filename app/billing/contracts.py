"""Contracts over recurring fees: a number, a base fee (requirement C10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, pricing
from app.billing.credit_models import Contract
from app.billing.errors import (
    ContractEndError,
    ContractKeyReusedError,
    ContractNotFoundError,
    ContractQuantityError,
)
from app.billing.wallets import get_wallet_by_id, require_currency
from app.kernel import new_id
from app.tenancy import TenantScope

GREATEST_QUANTITY = 10_000


@dataclass(frozen=True, slots=True)
class DueContract:
    """A contract whose next period has begun; ordered by when it did."""

    period_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class _Said:
    """What makes two requests for a contract the same."""

    wallet_id: UUID
    fee: str
    quantity: int
    starts_at: datetime


def open_contract(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    fee: str,
    quantity: int = 1,
    starts_at: datetime,
    key: str,
    actor: audit.Actor = audit.SYSTEM,
) -> Contract:
    """Agree a fee of the offer for a wallet, charged ahead of each period from the start on.

    Once for each key. Periods are the fee's months in Berlin, counted from the start; a start in
    the past owes what began since. Refuses a fee that the offer does not have at the start, or has
    in another currency than the wallet's, a bad quantity, and a key of another contract.
    """
    if not 1 <= quantity <= GREATEST_QUANTITY:
        raise ContractQuantityError(quantity=quantity)
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    terms = pricing.fee_at(session, scope, fee=fee, at=starts_at)
    require_currency(wallet, terms.amount)
    said = _Said(wallet.id, fee, quantity, starts_at)
    identifier = _insert(session, scope, key, said)
    if identifier is None:
        return _known(session, scope, key, said)
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.contract_opened",
        subject_id=identifier,
        facts={"wallet": str(wallet.id), "quantity": quantity},
    )
    return get_contract(session, scope, contract_id=identifier)


def end_contract(
    session: Session,
    scope: TenantScope,
    *,
    contract_id: UUID,
    at: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> Contract:
    """Begin no period of a contract from a time on; what has begun before is charged whole.

    Safe to repeat. Refuses an end before the start, and one later than an end set before.
    """
    contract = lock_contract(session, scope, contract_id=contract_id)
    if at < contract.starts_at or (contract.ends_at is not None and at > contract.ends_at):
        raise ContractEndError(contract=str(contract.id))
    if at == contract.ends_at:
        return contract
    contract.ends_at = at
    if contract.next_period_at is not None and contract.next_period_at >= at:
        contract.next_period_at = None
    session.flush()
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.contract_ended",
        subject_id=contract.id,
        facts={"at": at.isoformat()},
    )
    return contract


def get_contract(session: Session, scope: TenantScope, *, contract_id: UUID) -> Contract:
    """Return a contract of this reseller; absent and someone else's look the same."""
    contract = session.get(Contract, (scope.reseller_id, contract_id))
    if contract is None:
        raise ContractNotFoundError(contract=str(contract_id))
    return contract


def lock_contract(session: Session, scope: TenantScope, *, contract_id: UUID) -> Contract:
    """Return a contract that nobody else can charge or end before our transaction ends."""
    contract = session.scalar(
        select(Contract)
        .where(Contract.reseller_id == scope.reseller_id, Contract.id == contract_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if contract is None:
        raise ContractNotFoundError(contract=str(contract_id))
    return contract


def list_contracts(
    session: Session, scope: TenantScope, *, wallet_id: UUID, limit: int = 100
) -> list[Contract]:
    """Return a wallet's contracts, newest first, those that ended among them."""
    query = (
        select(Contract)
        .where(Contract.reseller_id == scope.reseller_id, Contract.wallet_id == wallet_id)
        .order_by(Contract.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def due_contracts(
    session: Session,
    scope: TenantScope,
    *,
    now: datetime,
    size: int,
    after: DueContract | None = None,
) -> list[DueContract]:
    """Return the contracts with a period that has begun and is not charged, the oldest first.

    `after` is the last one of the page before: who cannot pay stays due and stops nobody behind.
    """
    query = (
        select(Contract.next_period_at, Contract.id)
        .where(Contract.reseller_id == scope.reseller_id, Contract.next_period_at <= now)
        .order_by(Contract.next_period_at, Contract.id)
        .limit(size)
    )
    if after is not None:
        place = tuple_(Contract.next_period_at, Contract.id)
        query = query.where(place > (after.period_at, after.id))
    return [DueContract(at, found) for at, found in session.execute(query) if at is not None]


def _insert(session: Session, scope: TenantScope, key: str, said: _Said) -> UUID | None:
    """Insert a contract and return its id; None where the key is known."""
    return session.scalar(
        insert(Contract)
        .values(
            reseller_id=scope.reseller_id,
            id=new_id(),
            key=key,
            wallet_id=said.wallet_id,
            fee=said.fee,
            quantity=said.quantity,
            starts_at=said.starts_at,
            next_period_at=said.starts_at,
        )
        .on_conflict_do_nothing(index_elements=["reseller_id", "key"])
        .returning(Contract.id)
    )


def _known(session: Session, scope: TenantScope, key: str, said: _Said) -> Contract:
    contract = session.scalars(
        select(Contract).where(Contract.reseller_id == scope.reseller_id, Contract.key == key)
    ).one()
    if _Said(contract.wallet_id, contract.fee, contract.quantity, contract.starts_at) != said:
        raise ContractKeyReusedError(contract=str(contract.id))
    return contract
