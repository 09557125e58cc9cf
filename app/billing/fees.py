"""Recurring fees: each period of a contract is charged once, ahead (requirement C10).

A period that a wallet cannot pay stays due: it is tried again, and later ones wait behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import commissions, ledger, pricing
from app.billing import chart
from app.billing.contracts import DueContract, due_contracts, lock_contract
from app.billing.credit_models import Contract, FeeCharge, FeeRecord
from app.billing.errors import InsufficientFundsError
from app.billing.purses import Purse, lock_purse
from app.billing.rating import divide
from app.billing.records import close_empty_lots, tell_balances
from app.billing.spending import Draw, PayeeAccounts, PayerKind, Split, draw, drawn, transfers
from app.billing.wallets import get_wallet_by_id, require_active
from app.kernel import AppError, Money, cursor, months_later, transaction
from app.pricing import FeeTerms
from app.tenancy import TenantScope

_log = structlog.get_logger(__name__)

_SHARES = f"SELECT {commissions.TERMS_AS_JSON}".encode()


@dataclass(frozen=True, slots=True)
class FeeRun:
    """What a run did: periods settled, and contracts that could not pay."""

    charged: int
    refused: int


@dataclass(frozen=True, slots=True)
class _Period:
    """Period `n` of a contract, with the fee as it was at its beginning."""

    contract: Contract
    n: int
    starts_at: datetime
    terms: FeeTerms

    @property
    def gross(self) -> Money:
        """Return what the period costs."""
        return Money(self.terms.amount.minor * self.contract.quantity, self.terms.amount.currency)

    @property
    def ends_at(self) -> datetime:
        """Return when the next one begins."""
        months = self.contract.months + self.terms.months
        return months_later(self.contract.starts_at, months)

    @property
    def key(self) -> str:
        """Return the ledger's key of the period."""
        return f"fee:{self.contract.id}:{self.n}"


@dataclass(frozen=True, slots=True)
class _Bill:
    """What a locked wallet pays for a period, and to whom."""

    purse: Purse
    split: Split
    draws: Sequence[Draw]
    payees: PayeeAccounts


def charge_due_fees(scope: TenantScope, *, now: datetime, page_size: int = 1_000) -> FeeRun:
    """Charge every period that has begun, contract by contract; a transaction for each period.

    Finds them page by page. Safe to repeat and to run twice at once.
    """
    charged = refused = 0
    for contract_id in _all_due(scope, now, page_size):
        while (settled := _charge_alone(scope, contract_id, now)) is not None:
            charged, refused = charged + settled, refused + (not settled)
            if not settled:
                break
    return FeeRun(charged, refused)


def charge_fee(
    session: Session, scope: TenantScope, *, contract_id: UUID, now: datetime
) -> bool | None:
    """Charge a contract's next period that has begun: True if it is settled, None without one.

    False where it stays due: the wallet cannot pay or may not be charged, or the fee has no price;
    the refusal is written down. Bonus pays first, no spending cap applies, and nothing is owed: a
    fee is no usage that was delivered. Refuses an unknown contract.
    """
    contract = lock_contract(session, scope, contract_id=contract_id)
    if contract.next_period_at is None or contract.next_period_at > now:
        return None
    try:
        period = _next_period(session, scope, contract, contract.next_period_at)
        bill = _bill(session, scope, period, now) if period.gross else None
    except AppError as refused:
        _note(session, contract, None, refused.code, now)
        return False
    entry_id = None if bill is None else _book(session, scope, period, bill)
    _note(session, contract, entry_id, None, now)
    _advance(contract, period)
    session.flush()
    return True


def _all_due(scope: TenantScope, now: datetime, page_size: int) -> Iterator[UUID]:
    """Yield every contract that is due, once; no transaction is open meanwhile."""
    seen: set[UUID] = set()
    last: DueContract | None = None
    while True:
        with transaction(scope) as session:
            page = due_contracts(session, scope, now=now, size=page_size, after=last)
        if not page:
            return
        last = page[-1]
        for due in page:
            # One that paid a period and not the next stands again where that one begins.
            if due.id not in seen:
                seen.add(due.id)
                yield due.id


def _charge_alone(scope: TenantScope, contract_id: UUID, now: datetime) -> bool | None:
    """Charge one period in a transaction of its own; a refusal of the books is rolled back."""
    try:
        with transaction(scope) as session:
            return charge_fee(session, scope, contract_id=contract_id, now=now)
    except AppError as refused:
        _log.error("fee_not_charged", contract_id=str(contract_id), code=refused.code)
        return False


def _next_period(
    session: Session, scope: TenantScope, contract: Contract, starts_at: datetime
) -> _Period:
    terms = pricing.fee_at(session, scope, fee=contract.fee, at=starts_at)
    return _Period(contract, contract.periods + 1, starts_at, terms)


def _bill(session: Session, scope: TenantScope, period: _Period, now: datetime) -> _Bill:
    """Lock the wallet and decide who pays what to whom; refuses before anything is written."""
    wallet = get_wallet_by_id(session, scope, wallet_id=period.contract.wallet_id)
    terms, gross = period.terms, period.gross
    shares = _shares(session, scope, now)
    split = divide(gross, pricing.tax_within(gross, terms.tax_rate), shares)
    purse = lock_purse(session, scope, wallet=wallet, now=now)
    require_active(purse.state, purse.wallet_id)
    payees = chart.payee_accounts(scope.reseller_id, gross.currency, terms.credit_purpose, shares)
    return _Bill(purse, split, _draw(purse, gross), payees)


def _book(session: Session, scope: TenantScope, period: _Period, bill: _Bill) -> UUID:
    purse, terms = bill.purse, period.terms
    paying = [each.payer.balance.account_id for each in bill.draws]
    posted = ledger.post(
        session,
        ledger.EntryDraft(
            book_id=scope.reseller_id,
            kind=chart.FEE,
            key=period.key,
            input_hash=ledger.fingerprint({"contract": period.contract.id, "n": period.n}),
            effective_at=period.starts_at,
            transfers=transfers(
                bill.draws,
                bill.split,
                bill.payees,
                tax_rate=terms.tax_rate,
                currency=period.gross.currency,
            ),
            watch=purse.account_id,
            guarded=[account for account in paying if account != purse.account_id],
        ),
    )
    for each in bill.draws:
        each.payer.balance.posted -= each.minor
    _keep(session, period, bill, posted.entry_id)
    close_empty_lots(session, scope, [purse])
    tell_balances(session, scope, [purse])
    return posted.entry_id


def _shares(session: Session, scope: TenantScope, now: datetime) -> list[commissions.Term]:
    asked = {"reseller_id": scope.reseller_id, "booked_at": now}
    row = cursor(session).execute(_SHARES, asked).fetchone()
    return commissions.read_terms(row[0] if row else None)


def _draw(purse: Purse, gross: Money) -> list[Draw]:
    payers = [payer for payer in purse.payers if payer.kind is not PayerKind.RECEIVABLE]
    draws = draw(payers, gross.minor)
    paid = drawn(draws)
    if paid < gross.minor:
        raise InsufficientFundsError(
            required=gross.minor,
            available=paid,
            missing=gross.minor - paid,
            currency=gross.currency,
        )
    return draws


def _keep(session: Session, period: _Period, bill: _Bill, entry_id: UUID) -> None:
    contract, split = period.contract, bill.split
    session.add(
        FeeRecord(
            reseller_id=contract.reseller_id,
            entry_id=entry_id,
            contract_id=contract.id,
            n=period.n,
            wallet_id=contract.wallet_id,
            fee_id=period.terms.id,
            name=period.terms.name,
            quantity=contract.quantity,
            gross_minor=split.gross,
            net_minor=split.gross - split.tax,
            tax_minor=split.tax,
            bonus_minor=drawn(bill.draws, PayerKind.BONUS),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
        )
    )
    session.flush()


def _note(
    session: Session,
    contract: Contract,
    entry_id: UUID | None,
    refusal: str | None,
    now: datetime,
) -> None:
    """Write down what became of the period that was tried."""
    tried = {"entry_id": entry_id, "refusal": refusal, "tried_at": now}
    session.execute(
        insert(FeeCharge)
        .values(
            reseller_id=contract.reseller_id,
            contract_id=contract.id,
            n=contract.periods + 1,
            starts_at=contract.next_period_at,
            attempts=1,
            **tried,
        )
        .on_conflict_do_update(
            index_elements=["reseller_id", "contract_id", "n"],
            set_={**tried, "attempts": FeeCharge.attempts + 1},
        )
    )


def _advance(contract: Contract, period: _Period) -> None:
    """Let the next period begin where this one ends, unless the contract ends there or before."""
    next_period_at = period.ends_at
    contract.periods = period.n
    contract.months += period.terms.months
    is_over = contract.ends_at is not None and next_period_at >= contract.ends_at
    contract.next_period_at = None if is_over else next_period_at
