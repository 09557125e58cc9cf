"""A reseller's own balance: filled from commission or by top-up, given on as credit (C10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing import chart
from app.billing.adjustments import AdjustmentSource, adjustment_of, keep_adjustment
from app.billing.bonuses import LotDraft, draft_lot, keep_lot
from app.billing.credit_models import Adjustment
from app.billing.errors import CommissionTooLowError, ExpiryRefusedError, OwnBalanceTooLowError
from app.billing.models import LotSource, TopUp, Wallet
from app.billing.rules import require_credit_amount, require_reason
from app.billing.tax import tax_falling_due
from app.billing.top_ups import request_top_up
from app.billing.wallets import get_wallet_by_id, require_currency
from app.kernel import Money
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class OwnBalance:
    """A reseller's own money, and what she could fund it with from commission."""

    balance: Money
    commission: Money


def own_balance(session: Session, scope: TenantScope, *, currency: str) -> OwnBalance:
    """Return a reseller's own balance and her commission in her own book, exact at this moment."""
    account = _account_id(scope, currency)
    found = ledger.get_balances(session, scope.reseller_id, [account])
    balance = found[account].posted if account in found else Money(0, currency)
    return OwnBalance(balance, _commission(session, scope, currency))


def fund_by_commission(
    session: Session,
    scope: TenantScope,
    *,
    amount: Money,
    key: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> OwnBalance:
    """Move commission of the reseller's own book to her own balance; once for each key.

    Refuses nothing, more than the commission that is there, and a key used with another amount.
    Whatever else takes commission out must lock the own balance first, as this does.
    """
    require_credit_amount(amount)
    book = scope.reseller_id
    commission = ledger.open_account(
        session, book, AccountName(chart.COMMISSION, book, amount.currency)
    )
    own = _open(session, scope, amount.currency)
    # Commission is never locked: who takes of it at once waits here, and counts what is left.
    ledger.lock_balances(session, book, [own])
    entry_key = f"funding:{key}"
    if entry_key not in ledger.known_entries(session, book, [entry_key], accounts=[own]):
        _require_commission(session, scope, amount)
    posted = ledger.post(
        session,
        EntryDraft(
            book_id=book,
            kind=chart.FUNDING,
            key=entry_key,
            input_hash=ledger.fingerprint({"minor": amount.minor, "currency": amount.currency}),
            effective_at=now,
            transfers=[TransferDraft(commission, own, amount)],
            watch=own,
        ),
    )
    if not posted.replayed:
        audit.record(
            session,
            book,
            actor=actor,
            action="billing.own_balance_funded",
            subject_id=book,
            facts={"amount_minor": amount.minor, "currency": amount.currency},
        )
    return own_balance(session, scope, currency=amount.currency)


def fund_by_top_up(
    session: Session, scope: TenantScope, *, amount: Money, request_key: str, now: datetime
) -> TopUp:
    """Record the reseller's intent to pay into her own balance; see `request_top_up`.

    `start_top_up` without a customer does this and makes the hosted page.
    """
    return request_top_up(
        session, scope, customer_id=None, amount=amount, request_key=request_key, now=now
    )


def give_credit(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    amount: Money,
    reason: str,
    key: str,
    now: datetime,
    actor: audit.Actor,
    as_bonus: bool = False,
    expires_at: datetime | None = None,
) -> Adjustment:
    """Give credit to a customer's wallet from the reseller's own balance; once for each key.

    As paid credit, whose tax falls due as at a top-up; or as a bonus lot, which may expire, and
    whose tax is nobody's. Refuses nothing, credit without a reason, more than the own balance
    holds, another currency than the wallet's, an expiry that is past or of paid credit, and a key
    used with other content.
    """
    require_credit_amount(amount)
    written = require_reason(reason)
    if expires_at is not None and (not as_bonus or expires_at <= now):
        raise ExpiryRefusedError
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    require_currency(wallet, amount)
    own = _open(session, scope, amount.currency)
    ledger.lock_balances(session, scope.reseller_id, [own, wallet.account_id])
    facts = _fingerprint(wallet, amount, expires_at, as_bonus=as_bonus)
    known = _known(session, scope, f"credit:{key}", facts)
    if known is not None:
        return known
    lot = _lot(session, scope, amount, expires_at) if as_bonus else None
    entry_id = _post(
        session,
        scope,
        wallet,
        amount=amount,
        lot=lot,
        key=f"credit:{key}",
        fingerprint=facts,
        now=now,
    )
    if lot is not None:
        keep_lot(session, wallet, lot, source=LotSource.RESELLER)
    return keep_adjustment(
        session,
        wallet,
        amount=amount,
        source=AdjustmentSource.RESELLER,
        reason=written,
        entry_id=entry_id,
        lot_id=lot.id if lot else None,
        actor=actor,
        now=now,
    )


def _fingerprint(
    wallet: Wallet, amount: Money, expires_at: datetime | None, *, as_bonus: bool
) -> bytes:
    return ledger.fingerprint(
        {
            "wallet": wallet.id,
            "minor": amount.minor,
            "currency": amount.currency,
            "bonus": as_bonus,
            "expires_at": None if expires_at is None else expires_at.timestamp(),
        }
    )


def _known(session: Session, scope: TenantScope, key: str, fingerprint: bytes) -> Adjustment | None:
    """Return what was given under this key before; whoever asks holds the own balance's lock."""
    known = ledger.known_entries(session, scope.reseller_id, [key], accounts=[]).get(key)
    if known is None:
        return None
    if known.input_hash != fingerprint:
        raise ledger.KeyReusedError(key=key)
    return adjustment_of(session, scope, entry_id=known.entry_id)


def _lot(
    session: Session, scope: TenantScope, amount: Money, expires_at: datetime | None
) -> LotDraft:
    giver = chart.own_balance_account(scope.reseller_id, amount.currency)
    return draft_lot(session, scope, amount=amount, giver=giver, expires_at=expires_at)


def _post(
    session: Session,
    scope: TenantScope,
    wallet: Wallet,
    *,
    amount: Money,
    lot: LotDraft | None,
    key: str,
    fingerprint: bytes,
    now: datetime,
) -> UUID:
    book, own = scope.reseller_id, _account_id(scope, amount.currency)
    if lot is None:
        tax = tax_falling_due(session, scope, credit=amount, at=now)
        given = TransferDraft(own, wallet.account_id, amount)
        transfers = [given, *chart.tax_transfers(book, tax)]
    else:
        transfers = [lot.transfer]
    draft = EntryDraft(
        book_id=book,
        kind=chart.CREDIT,
        key=key,
        input_hash=fingerprint,
        effective_at=now,
        transfers=transfers,
        watch=wallet.account_id,
        guarded=[own] if lot is None else [own, lot.account_id],
    )
    try:
        return ledger.post(session, draft).entry_id
    except ledger.InsufficientFundsError as refused:
        required, available = amount.minor, refused.facts["available"]
        raise OwnBalanceTooLowError(
            required=required, available=available, currency=amount.currency
        ) from refused


def _require_commission(session: Session, scope: TenantScope, amount: Money) -> None:
    commission = _commission(session, scope, amount.currency)
    if commission < amount:
        raise CommissionTooLowError(
            available=commission.minor, required=amount.minor, currency=amount.currency
        )


def _commission(session: Session, scope: TenantScope, currency: str) -> Money:
    """Return what a reseller has earned in her own book and not taken yet."""
    book = scope.reseller_id
    own = ledger.account_id(book, AccountName(chart.COMMISSION, book, currency))
    owned = ledger.owned_balances(session, book)
    found = [line.posted for line in owned if (line.book_id, line.account_id) == (book, own)]
    return sum(found, Money(0, currency))


def _open(session: Session, scope: TenantScope, currency: str) -> UUID:
    return ledger.open_account(
        session, scope.reseller_id, chart.own_balance_account(scope.reseller_id, currency)
    )


def _account_id(scope: TenantScope, currency: str) -> UUID:
    name = chart.own_balance_account(scope.reseller_id, currency)
    return ledger.account_id(scope.reseller_id, name)
