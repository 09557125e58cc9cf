"""A reseller's own balance: filled from commission or by top-up, given on as credit (C10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing import chart
from app.billing.adjustments import AdjustmentSource, adjustment_of, keep_adjustment
from app.billing.bonuses import draft_lot, keep_lot
from app.billing.credit_models import Adjustment
from app.billing.errors import CommissionTooLowError, ExpiryRefusedError, OwnBalanceTooLowError
from app.billing.models import LotSource, TopUp, Wallet
from app.billing.rules import require_credit_amount, require_reason
from app.billing.tax import tax_falling_due
from app.billing.top_ups import request_top_up
from app.billing.wallets import get_wallet_by_id, require_currency
from app.kernel import PAGE_SIZE, Money, Page
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class OwnBalance:
    """A reseller's own money, and what she could fund it with from commission.

    The tax that bonus of hers did not owe is hers again: what it came to since she last gave
    something is in the balance, though not yet in its history.
    """

    balance: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class OwnMovement:
    """What moved a reseller's own balance: commission, a top-up, credit given, tax of bonus."""

    kind: str
    amount: Money
    balance_after: Money
    at: datetime
    customer_id: UUID | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Gift:
    """Credit that a reseller gives to a wallet."""

    key: str
    own_id: UUID
    wallet: Wallet
    amount: Money
    as_bonus: bool
    expires_at: datetime | None

    def __post_init__(self) -> None:
        if self.expires_at is not None and not self.as_bonus:
            raise ExpiryRefusedError

    def fingerprint(self) -> bytes:
        """Return the hash of what makes two gifts the same; the reason is nobody's here (M3)."""
        expires_at = self.expires_at
        return ledger.fingerprint(
            {
                "wallet": self.wallet.id,
                "minor": self.amount.minor,
                "currency": self.amount.currency,
                "bonus": self.as_bonus,
                "expires_at": None if expires_at is None else expires_at.timestamp(),
            }
        )


def own_balance(session: Session, scope: TenantScope, *, currency: str) -> OwnBalance:
    """Return a reseller's own balance and her commission in her own book, exact at this moment."""
    account = _account_id(scope, currency)
    found = ledger.get_balances(session, scope.reseller_id, [account])
    balance = found[account].posted if account in found else Money(0, currency)
    relief = _shared(session, scope, chart.gift_relief_account(scope.reseller_id, currency))
    return OwnBalance(balance + relief, _commission(session, scope, currency))


def own_balance_history(
    session: Session,
    scope: TenantScope,
    *,
    currency: str,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[OwnMovement]:
    """Return what moved a reseller's own balance, newest first, in two queries."""
    page = ledger.statement(
        session,
        scope.reseller_id,
        _account_id(scope, currency),
        before_version=before,
        size=size,
    )
    given = session.execute(
        select(Adjustment, Wallet.customer_id)
        .join(
            Wallet,
            (Wallet.reseller_id == Adjustment.reseller_id) & (Wallet.id == Adjustment.wallet_id),
        )
        .where(
            Adjustment.reseller_id == scope.reseller_id,
            Adjustment.entry_id.in_([row.entry_id for row in page.rows]),
        )
    )
    known = {adjustment.entry_id: (adjustment, customer) for adjustment, customer in given}
    return Page([_movement(row, known.get(row.entry_id)) for row in page.rows], page.next_cursor)


def _movement(row: ledger.StatementLine, given: tuple[Adjustment, UUID] | None) -> OwnMovement:
    return OwnMovement(
        kind=row.kind,
        amount=row.delta,
        balance_after=row.balance_after,
        at=row.effective_at,
        customer_id=given[1] if given else None,
        reason=given[0].reason if given else None,
    )


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
    own = _open(session, scope, amount.currency)
    # Commission is never locked: who takes of it at once waits here, and counts what is left.
    ledger.lock_balances(session, scope.reseller_id, [own])
    draft = _funding(session, own, scope=scope, amount=amount, key=f"funding:{key}", now=now)
    if not ledger.known_entries(session, draft.book_id, [draft.key], accounts=[own]):
        _require_commission(session, scope, amount)
    if not ledger.post(session, draft).replayed:
        audit.record(
            session,
            scope.reseller_id,
            actor=actor,
            action="billing.own_balance_funded",
            subject_id=scope.reseller_id,
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
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    require_currency(wallet, amount)
    own = _open(session, scope, amount.currency)
    gift = _Gift(f"credit:{key}", own, wallet, amount, as_bonus, expires_at)
    if known := _known(session, scope, gift):
        return known
    entry_id, lot_id = _post(session, scope, gift, now)
    return keep_adjustment(
        session,
        wallet,
        amount=amount,
        source=AdjustmentSource.RESELLER,
        reason=written,
        entry_id=entry_id,
        lot_id=lot_id,
        actor=actor,
        now=now,
    )


def _funding(
    session: Session, own: UUID, *, scope: TenantScope, amount: Money, key: str, now: datetime
) -> EntryDraft:
    book = scope.reseller_id
    commission = ledger.open_account(
        session, book, AccountName(chart.COMMISSION, book, amount.currency)
    )
    return EntryDraft(
        book_id=book,
        kind=chart.FUNDING,
        key=key,
        input_hash=ledger.fingerprint({"minor": amount.minor, "currency": amount.currency}),
        effective_at=now,
        transfers=[TransferDraft(commission, own, amount)],
        watch=own,
    )


def _known(session: Session, scope: TenantScope, gift: _Gift) -> Adjustment | None:
    """Lock own balance and wallet, and return what was given under this key before."""
    book = scope.reseller_id
    ledger.lock_balances(session, book, [gift.own_id, gift.wallet.account_id])
    known = ledger.known_entries(session, book, [gift.key], accounts=[]).get(gift.key)
    if known is None:
        return None
    if known.input_hash != gift.fingerprint():
        raise ledger.KeyReusedError(key=gift.key)
    return adjustment_of(session, scope, entry_id=known.entry_id)


def _take_relief(session: Session, scope: TenantScope, gift: _Gift, now: datetime) -> None:
    """Move the tax that her bonus did not owe into her own balance, which is locked.

    Of what was written off since, which she has taken before, as much comes out as is there.
    """
    book, currency = scope.reseller_id, gift.amount.currency
    name = chart.gift_relief_account(book, currency)
    relief = _shared(session, scope, name)
    own = ledger.lock_balances(session, book, [gift.own_id])[gift.own_id]
    moved = max(relief, Money(-own.available, currency), key=lambda money: money.minor)
    if not moved:
        return
    account = ledger.account_id(book, name)
    transfer = (
        TransferDraft(account, gift.own_id, moved)
        if moved.minor > 0
        else TransferDraft(gift.own_id, account, -moved)
    )
    ledger.post(
        session,
        EntryDraft(
            book_id=book,
            kind=chart.RELIEF,
            key=f"relief:{gift.own_id}:{own.version}",
            input_hash=ledger.fingerprint({"minor": moved.minor, "currency": currency}),
            effective_at=now,
            transfers=[transfer],
            watch=gift.own_id,
        ),
    )


def _post(
    session: Session, scope: TenantScope, gift: _Gift, now: datetime
) -> tuple[UUID, UUID | None]:
    """Book a gift; return its entry and the lot that it became, if it did."""
    _take_relief(session, scope, gift, now)
    if not gift.as_bonus:
        tax = tax_falling_due(session, scope, credit=gift.amount, at=now)
        given = TransferDraft(gift.own_id, gift.wallet.account_id, gift.amount)
        transfers = [given, *chart.tax_transfers(scope.reseller_id, tax)]
        return _post_entry(session, gift, transfers, [gift.own_id], now), None
    # Not before: what was given stays given when it is sent again after it has expired.
    if gift.expires_at is not None and gift.expires_at <= now:
        raise ExpiryRefusedError
    giver = chart.own_balance_account(scope.reseller_id, gift.amount.currency)
    lot = draft_lot(session, scope, amount=gift.amount, giver=giver, expires_at=gift.expires_at)
    relief = chart.gift_relief_account(scope.reseller_id, gift.amount.currency)
    ledger.open_account(session, scope.reseller_id, relief)
    entry_id = _post_entry(session, gift, [lot.transfer], [gift.own_id, lot.account_id], now)
    keep_lot(session, gift.wallet, lot, source=LotSource.RESELLER)
    return entry_id, lot.id


def _post_entry(
    session: Session,
    gift: _Gift,
    transfers: Sequence[TransferDraft],
    guarded: Sequence[UUID],
    now: datetime,
) -> UUID:
    draft = EntryDraft(
        book_id=gift.wallet.reseller_id,
        kind=chart.CREDIT,
        key=gift.key,
        input_hash=gift.fingerprint(),
        effective_at=now,
        transfers=transfers,
        watch=gift.wallet.account_id,
        guarded=guarded,
    )
    try:
        return ledger.post(session, draft).entry_id
    except ledger.InsufficientFundsError as refused:
        raise OwnBalanceTooLowError(
            required=gift.amount.minor,
            available=refused.facts["available"],
            currency=gift.amount.currency,
        ) from refused


def _require_commission(session: Session, scope: TenantScope, amount: Money) -> None:
    commission = _commission(session, scope, amount.currency)
    if commission < amount:
        raise CommissionTooLowError(
            available=commission.minor, required=amount.minor, currency=amount.currency
        )


def _commission(session: Session, scope: TenantScope, currency: str) -> Money:
    """Return what a reseller has earned in her own book and not taken yet."""
    return _shared(session, scope, AccountName(chart.COMMISSION, scope.reseller_id, currency))


def _shared(session: Session, scope: TenantScope, name: AccountName) -> Money:
    """Return what a shared account of hers holds in her own book, exact at this moment."""
    book = scope.reseller_id
    own = ledger.account_id(book, name)
    owned = ledger.owned_balances(session, book)
    found = [line.posted for line in owned if (line.book_id, line.account_id) == (book, own)]
    return sum(found, Money(0, name.currency))


def _open(session: Session, scope: TenantScope, currency: str) -> UUID:
    return ledger.open_account(
        session, scope.reseller_id, chart.own_balance_account(scope.reseller_id, currency)
    )


def _account_id(scope: TenantScope, currency: str) -> UUID:
    name = chart.own_balance_account(scope.reseller_id, currency)
    return ledger.account_id(scope.reseller_id, name)
