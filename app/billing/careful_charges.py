"""Charges prepared under the lock of their wallets: lots, receivables, caps, volumes, batches.

Lock, look, decide one after the other, post all in one trip. The database counts again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.errors import (
    EventIdReusedError,
    InsufficientFundsError,
    WalletNotFoundError,
    insufficient,
)
from app.billing.models import WalletState
from app.billing.purses import Purse, lock_all_purses
from app.billing.rating import Rated, collected, rate
from app.billing.records import (
    KnownCharge,
    Record,
    known_records,
    tell_balances,
    write_moved,
    write_records,
)
from app.billing.spending import Draw, PayerKind, RatingFacts, draw, drawn, transfers
from app.billing.terms import ChargeTerms, kept_terms, present_revision, read_terms
from app.billing.usage import Charge, UsageEvent
from app.billing.wallets import require_active
from app.kernel import AppError, Money, business_month
from app.tenancy import TenantScope

Outcome = Charge | AppError
NOTHING_USED = Decimal(0)
# So many are on their way to the database while the next are decided.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Asked:
    """An event with its terms, its key and the hash of what it says."""

    usage: UsageEvent
    terms: ChargeTerms
    key: str
    fingerprint: bytes


def charge_with_care(
    session: Session,
    scope: TenantScope,
    *,
    usages: Sequence[UsageEvent],
    now: datetime,
    hold_id: UUID | None = None,
) -> list[Outcome]:
    """Charge usage events one after the other in one transaction; a result for every event.

    One that is refused leaves its neighbours alone. `hold_id` is captured by the only event:
    what it cost beyond the hold and the balance stays uncollected, for the usage was delivered.
    Refuses as a whole, writing nothing, where the books moved meanwhile (BooksMovedError: again).
    """
    outcomes: list[Outcome | None] = [None] * len(usages)
    asked = _with_terms(session, scope, usages, now, outcomes)
    by_currency: dict[str, list[int]] = {}
    for place, each in asked.items():
        by_currency.setdefault(each.terms.tariff.currency, []).append(place)
    months = _months(asked.values())
    purses = lock_all_purses(
        session,
        scope,
        customers={
            currency: {asked[place].usage.customer_id for place in places}
            for currency, places in by_currency.items()
        },
        now=now,
        months=months,
    )
    for currency, places in by_currency.items():
        some = {place: asked[place] for place in places}
        batch = _Batch(
            session, scope, currency, now,
            hold_id=hold_id, purses=purses[currency], months=months,
        )  # fmt: skip
        batch.charge(some, outcomes)
    return [each if each is not None else WalletNotFoundError() for each in outcomes]


def _with_terms(
    session: Session,
    scope: TenantScope,
    usages: Sequence[UsageEvent],
    now: datetime,
    outcomes: list[Outcome | None],
) -> dict[int, _Asked]:
    """Return the events whose time and meter make sense; the others have their refusal."""
    asked = {}
    revision = present_revision(session)
    for place, usage in enumerate(usages):
        try:
            usage.require_past(now)
            terms = kept_terms(session, scope, usage.meter, usage.occurred_at, booked_at=now)
            if terms.revision != revision:
                terms = read_terms(session, scope, usage.meter, usage.occurred_at, booked_at=now)
        except AppError as refused:
            outcomes[place] = refused
            continue
        asked[place] = _Asked(usage, terms, usage.key, usage.fingerprint())
    return asked


def _months(asked: Iterable[_Asked]) -> set[date]:
    """Return the months whose volumes these events ask for."""
    return {
        business_month(each.usage.occurred_at) for each in asked if each.terms.tariff.needs_volume
    }


class _Batch:
    """Events of one currency, charged under the locks of their wallets."""

    def __init__(
        self,
        session: Session,
        scope: TenantScope,
        currency: str,
        now: datetime,
        *,
        hold_id: UUID | None,
        purses: Mapping[UUID, Purse],
        months: Collection[date],
    ) -> None:
        self._session, self._scope, self._now = session, scope, now
        self._currency, self._hold_id = currency, hold_id
        self._purses, self._months = purses, months
        self._month = business_month(now)
        self._drafts: list[ledger.EntryDraft] = []
        self._records: list[Record] = []
        self._charged: dict[str, tuple[bytes, Charge]] = {}
        self._moved: dict[UUID, Purse] = {}
        self._line: str | None = None
        self._is_captured = False

    def charge(self, asked: Mapping[int, _Asked], outcomes: list[Outcome | None]) -> None:
        """Decide in order under the locks that are held, then write."""
        if self._hold_id is not None:
            self._free_hold(self._hold_id)
        known = known_records(
            self._session,
            self._scope,
            [each.key for each in asked.values()],
            accounts=[purse.account_id for purse in self._purses.values()],
        )
        revision = present_revision(self._session)
        with ledger.posting(self._session):
            for place, each in asked.items():
                outcomes[place] = self._outcome(each, known.get(each.key), revision)
                if len(self._drafts) == _AT_ONCE:
                    self._post()
            self._post()
        self._tell()

    def _outcome(self, each: _Asked, known: KnownCharge | None, revision: int) -> Outcome:
        try:
            if known is not None:
                charge = known.answer(each.usage, each.fingerprint, self._currency)
                self._release()
                return charge
            if each.key in self._charged:
                return self._again(each)
            return self._decide(self._of_line(self._fresh(each, revision)))
        except ledger.BooksMovedError:
            raise
        except AppError as refused:
            return refused

    def _free_hold(self, hold_id: UUID) -> None:
        """Count what the hold keeps back as free: the entry that captures it frees it."""
        hold = ledger.get_hold(self._session, self._scope.reseller_id, hold_id)
        self._line = hold.about
        self._is_captured = hold.state == ledger.HoldState.OPEN.value
        if not self._is_captured:
            return
        kept: Counter[UUID] = Counter()
        for account, amount in zip(hold.accounts, hold.amounts, strict=True):
            kept[account] += amount
        for purse in self._purses.values():
            purse.free(kept)

    def _fresh(self, each: _Asked, revision: int) -> _Asked:
        """Return the event with terms of this moment, where they changed since they were read.

        Where they changed the currency, too, the wrong wallet is locked; where they ask for volumes
        now, those of the month may not have been read.
        """
        if each.terms.revision == revision:
            return each
        at, meter = each.usage.occurred_at, each.usage.meter
        terms = read_terms(self._session, self._scope, meter, at, booked_at=self._now)
        is_counted = not terms.tariff.needs_volume or business_month(at) in self._months
        if terms.tariff.currency != self._currency or not is_counted:
            raise ledger.BooksMovedError
        return _Asked(each.usage, terms, each.key, each.fingerprint)

    def _release(self) -> None:
        """Free the hold of an event that was charged before: there is nothing to capture."""
        if self._hold_id is not None and ledger.release_hold(
            self._session, self._scope.reseller_id, self._hold_id
        ):
            tell_balances(self._session, self._scope, self._purses.values())

    def _of_line(self, each: _Asked) -> _Asked:
        """Return the event as of the line that the hold was for, where it names none itself."""
        if self._line is None or each.usage.subject is not None:
            return each
        return replace(each, usage=replace(each.usage, subject=self._line))

    def _again(self, each: _Asked) -> Charge:
        """Answer an event that stands twice in the batch."""
        fingerprint, charge = self._charged[each.key]
        if fingerprint != each.fingerprint:
            raise EventIdReusedError(event_id=each.usage.event_id)
        return charge.repeated()

    def _decide(self, each: _Asked) -> Charge:
        """Charge one event in memory, or refuse it and leave everything as it was."""
        usage, terms = each.usage, each.terms
        purse = self._purses.get(usage.customer_id)
        if purse is None:
            raise WalletNotFoundError(customer=str(usage.customer_id))
        # Delivered before the customer was blocked: the hold says so. A frozen wallet waits.
        if not (self._is_captured and purse.state == WalletState.BLOCKED.value):
            require_active(purse.state, purse.wallet_id)
        slot = None
        if terms.tariff.needs_volume:
            slot = usage.meter, business_month(usage.occurred_at)
        rated = rate(terms, usage.quantity, used=purse.used(slot) if slot else NOTHING_USED)
        caps = [cap for cap in purse.caps if cap.concerns(usage.subject)]
        if self._hold_id is None:
            for cap in caps:
                cap.require_room(rated.split.gross, self._month, self._currency)
        draws, rated = self._draw(purse, terms, rated)
        for cap in caps:
            cap.spend(rated.split.gross, self._month)
        if slot:
            purse.use(slot, rated.quote.billed)
        return self._book(each, purse, rated, draws)

    def _draw(self, purse: Purse, terms: ChargeTerms, rated: Rated) -> tuple[list[Draw], Rated]:
        """Return who pays; a capture is content with less than the whole, nothing else is."""
        gross = rated.split.gross
        draws = draw(purse.payers, gross)
        paid = drawn(draws)
        if paid < gross and self._hold_id is None:
            raise InsufficientFundsError(
                required=gross, available=paid, missing=gross - paid, currency=self._currency
            )
        return draws, collected(terms, rated, paid)

    def _book(self, each: _Asked, purse: Purse, rated: Rated, draws: Sequence[Draw]) -> Charge:
        usage, terms = each.usage, each.terms
        facts = rated.facts(
            bonus=drawn(draws, PayerKind.BONUS), owed=drawn(draws, PayerKind.RECEIVABLE)
        )
        paying = [draw.payer.balance.account_id for draw in draws]
        others = [account for account in paying if account != purse.account_id]
        draft = ledger.EntryDraft(
            book_id=self._scope.reseller_id,
            kind=chart.USAGE,
            key=each.key,
            input_hash=each.fingerprint,
            effective_at=usage.occurred_at,
            transfers=transfers(
                draws,
                rated.split,
                terms.accounts,
                tax_rate=terms.tariff.tax_rate,
                currency=self._currency,
            ),
            watch=purse.account_id,
            guarded=others,
            hold_id=self._hold_id,
        )
        for taken in draws:
            taken.payer.balance.posted -= taken.minor
        purse.balance.version += 1
        self._drafts.append(draft)
        self._records.append(
            Record(draft.entry_id, usage, purse, terms, rated, facts, self._hold_id)
        )
        charge = self._answer(draft.entry_id, each, purse, rated, facts)
        self._charged[each.key] = each.fingerprint, charge
        return charge

    def _answer(
        self, entry_id: UUID, each: _Asked, purse: Purse, rated: Rated, facts: RatingFacts
    ) -> Charge:
        usage, currency = each.usage, self._currency
        return Charge(
            id=entry_id,
            event_id=usage.event_id,
            customer_id=usage.customer_id,
            meter=usage.meter,
            quantity=usage.quantity,
            billed=rated.quote.billed,
            unit_price=each.terms.tariff.unit_price,
            gross=Money(rated.split.gross, currency),
            net=Money(rated.net, currency),
            tax=Money(rated.split.tax, currency),
            balance=Money(purse.balance.posted, currency),
            version=purse.balance.version,
            replayed=False,
            facts=facts,
        )

    def _post(self) -> None:
        """Write the charges that were decided since the last time."""
        if not self._drafts:
            return
        if self._hold_id is None:
            ledger.post_many(self._session, self._drafts)
        else:
            self._capture(self._drafts[0], self._records[0].usage)
        write_records(self._session, self._scope, self._records)
        self._moved.update((record.purse.wallet_id, record.purse) for record in self._records)
        self._drafts, self._records = [], []

    def _tell(self) -> None:
        """Write what the charges moved beside, and say whose balances they changed."""
        if self._moved:
            write_moved(self._session, self._scope, self._moved.values())
            tell_balances(self._session, self._scope, self._moved.values())

    def _capture(self, draft: ledger.EntryDraft, usage: UsageEvent) -> None:
        try:
            ledger.post(self._session, draft)
        except ledger.InsufficientFundsError as refused:
            raise insufficient(refused) from refused
        except ledger.KeyReusedError as refused:
            # Another wallet was charged under this id since we looked.
            raise EventIdReusedError(event_id=usage.event_id) from refused
