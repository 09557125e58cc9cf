"""What a wallet of a book must hold and answer, in plain Python; see `chain_model.py`.

What a hold keeps back nobody else may spend; what it keeps of a lot that expires meanwhile still
pays for what it captures. A cap counts what was charged this month and not written off, and what
open holds may still spend; a capture is never refused for it. Free units of a month go first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.billing.chain_model import (
    AccountModel,
    Booked,
    BookModel,
    Capped,
    Draws,
    LotModel,
    Month,
    Paid,
    Refused,
)


@dataclass(eq=False)
class HoldModel:
    """What is kept back of which accounts, while it is open, and for which line."""

    parts: Draws
    subject: str | None = None
    is_open: bool = True

    @property
    def minor(self) -> int:
        return sum(minor for _, minor in self.parts)

    def keep(self, draws: Draws) -> None:
        for account, minor in draws:
            account.held += minor

    def close(self) -> None:
        if self.is_open:
            for account, minor in self.parts:
                account.held -= minor
        self.is_open = False


@dataclass(eq=False)
class WalletModel:
    """A wallet with everything that pays for it."""

    book: BookModel
    own: AccountModel = field(default_factory=AccountModel)
    lots: list[LotModel] = field(default_factory=list)
    receivable: AccountModel | None = None
    version: int = 0
    is_postpaid: bool = False
    holds: list[HoldModel] = field(default_factory=list)
    charges: list[Booked] = field(default_factory=list)
    caps: dict[str | None, int] = field(default_factory=dict)
    volumes: dict[Month, Decimal] = field(default_factory=dict)

    def pay_in(self, minor: int) -> None:
        """Pay what is owed first; the rest is the customer's."""
        owed = min(minor, -self.receivable.posted) if self.receivable else 0
        if self.receivable:
            self.receivable.posted += owed
        self.own.posted += minor - owed
        self.version += 1
        self.book.add("clearing", -minor)
        self.book.let_tax_fall_due(minor)

    def adjust(self, minor: int) -> Refused | None:
        """The platform gives credit or, below zero, takes it."""
        if self.own.available + min(0, minor) < 0:
            return Refused(-minor, -minor - self.own.available)
        self._receive(minor)
        self.book.add("adjustment", -minor)
        return None

    def be_given(self, minor: int) -> Refused | None:
        """The reseller gives credit of her own balance."""
        refused = self.book.give_on(minor)
        if refused is None:
            self._receive(minor)
        return refused

    def be_given_bonus(self, minor: int, ends: float) -> LotModel | Refused:
        refused = self.book.give_on(minor)
        if refused is not None:
            return refused
        self.version += 1
        return self._add_lot(LotModel(AccountModel(minor), ends, is_gift=True))

    def _receive(self, minor: int) -> None:
        self.own.posted += minor
        self.version += 1
        self.book.let_tax_fall_due(minor)

    def give_bonus(self, minor: int, ends: float) -> LotModel:
        self.book.add("promotion", -minor)
        return self._add_lot(LotModel(AccountModel(minor), ends))

    def _add_lot(self, lot: LotModel) -> LotModel:
        self.lots = sorted([*self.lots, lot], key=lambda each: each.ends)
        return lot

    def may_owe(self, limit: int) -> bool:
        """Set the grace limit, unless more is owed."""
        receivable = self.receivable or AccountModel()
        is_set = receivable.may_go_down_to(limit)
        self.receivable = receivable if is_set else self.receivable
        return is_set

    def may_use(self, limit: int, *, is_postpaid: bool) -> bool:
        """Pay afterwards up to a limit, or ahead, unless more is used already."""
        is_set = self.own.may_go_down_to(limit)
        self.is_postpaid = is_postpaid if is_set else self.is_postpaid
        return is_set

    def charge(
        self, quantity: Decimal, month: Month, subject: str | None = None
    ) -> Paid | Refused | Capped:
        gross = self._gross(quantity, month)
        if capped := self._capped(gross, subject):
            return capped
        draws = _draw(self._payers(), gross)
        missing = gross - _sum(draws)
        if missing:
            return Refused(gross, missing)
        return self._use(draws, quantity, month, subject, gross=gross)

    def hold(self, minor: int, subject: str | None = None) -> HoldModel | Refused | Capped:
        draws = self._draw_own(minor, subject)
        if not isinstance(draws, list):
            return draws
        made = HoldModel(draws, subject)
        made.keep(draws)
        self.holds.append(made)
        return made

    def extend(self, hold: HoldModel, minor: int) -> Refused | Capped | None:
        draws = self._draw_own(minor, hold.subject)
        if not isinstance(draws, list):
            return draws
        hold.keep(draws)
        hold.parts += draws
        return None

    def capture(self, hold: HoldModel, quantity: Decimal, month: Month) -> Paid:
        """Charge what was used as far as the money goes."""
        hold.close()
        gross = self._gross(quantity, month)
        draws = self._draw_over(hold, gross)
        draws += _draw(self._payers(), gross - _sum(draws))
        return self._use(draws, quantity, month, hold.subject, gross=gross)

    def charge_fee(self, minor: int) -> Booked | None:
        """Neither owed nor capped; None where the wallet cannot pay it whole."""
        draws = _draw(self._own_payers(), minor)
        return self._book(draws) if _sum(draws) == minor else None

    def reverse(self, booked: Booked) -> None:
        """Give everything back; what a top-up paid of a debt meanwhile is the customer's."""
        for account, minor in booked.draws:
            account.posted += minor
        if self.receivable:
            beyond = max(0, self.receivable.posted)
            self.receivable.posted -= beyond
            self.own.posted += beyond
        self.book.earn(booked.shares, times=-1)
        self.version += 1
        booked.is_reversed = True
        if booked.month is not None:
            self.volumes[booked.month] -= booked.quantity

    def spent(self, subject: str | None) -> int:
        """What counts for a cap, of the wallet or of one line."""
        counted = (each for each in self.charges if subject in {None, each.subject})
        return sum(each.gross for each in counted if not each.is_reversed)

    def _capped(self, minor: int, subject: str | None) -> Capped | None:
        for line, limit in self.caps.items():
            kept = (each for each in self.holds if each.is_open and line in {None, each.subject})
            told = Capped(limit, self.spent(line), sum(each.minor for each in kept))
            if line in {None, subject} and minor and told.spent + told.held + minor > limit:
                return told
        return None

    def _free(self, quantity: Decimal, month: Month) -> Decimal:
        left = self.book.terms.allowance - self.volumes.get(month, Decimal(0))
        return min(quantity, max(Decimal(0), left))

    def _gross(self, quantity: Decimal, month: Month) -> int:
        return self.book.terms.gross(quantity - self._free(quantity, month))

    def available(self) -> int:
        """What a charge could spend."""
        return _sum(_draw(self._payers(), 10**12))

    def own_available(self) -> int:
        """What a hold could keep back."""
        return _sum(_draw(self._own_payers(), 10**12))

    def accounts(self) -> list[AccountModel]:
        owed = [self.receivable] if self.receivable else []
        return [self.own, *(lot.account for lot in self.lots), *owed]

    def _own_payers(self) -> list[AccountModel]:
        return [*(lot.account for lot in self.lots if lot.is_alive), self.own]

    def _payers(self) -> list[AccountModel]:
        return [*self._own_payers(), *([self.receivable] if self.receivable else [])]

    def _draw_over(self, hold: HoldModel, minor: int) -> Draws:
        """Draw from lots whose time is over, up to what the hold kept of each."""
        draws: Draws = []
        for lot in sorted(self.lots, key=lambda each: each.ends):
            kept = sum(part for account, part in hold.parts if account is lot.account)
            given = 0 if lot.is_alive else min(minor - _sum(draws), kept)
            draws += [(lot.account, given)] if given else []
        return draws

    def _draw_own(self, minor: int, subject: str | None) -> Draws | Refused | Capped:
        if capped := self._capped(minor, subject):
            return capped
        draws = _draw(self._own_payers(), minor)
        missing = minor - _sum(draws)
        return Refused(minor, missing) if missing else draws

    def _book(self, draws: Draws) -> Booked:
        lots = {id(lot.account): lot for lot in self.lots}
        bonus = [(lots[id(who)], minor) for who, minor in draws if id(who) in lots]
        booked = Booked(draws, self.book.share(_sum(draws), bonus))
        for account, minor in draws:
            account.posted -= minor
        self.version += 1
        self.book.earn(booked.shares)
        return booked

    def _use(
        self, draws: Draws, quantity: Decimal, month: Month, subject: str | None, *, gross: int
    ) -> Paid:
        booked, free = self._book(draws), self._free(quantity, month)
        booked.quantity, booked.month, booked.subject = quantity, month, subject
        self.charges.append(booked)
        self.volumes[month] = self.volumes.get(month, Decimal(0)) + quantity
        lots, tax = {id(lot.account) for lot in self.lots}, self.book.terms.tax_within(booked.gross)
        return Paid(
            gross=booked.gross,
            net=booked.gross - tax,
            tax=tax,
            balance=self.own.posted,
            version=self.version,
            bonus=_sum(draw for draw in draws if id(draw[0]) in lots),
            owed=_sum(draw for draw in draws if draw[0] is self.receivable),
            uncollected=gross - booked.gross,
            free=free,
            booked=booked,
        )


def _draw(payers: Iterable[AccountModel], minor: int) -> Draws:
    draws = []
    for payer in payers:
        given = min(minor, max(0, payer.available))
        if given:
            draws.append((payer, given))
        minor -= given
    return draws


def _sum(draws: Iterable[tuple[Any, int]]) -> int:
    return sum(minor for _, minor in draws)
