"""What wallets and books must hold, in plain Python.

It shares nothing with the product but its rules in words: gross is price times quantity, half a
cent goes up; net is gross without tax, half a cent goes up; everybody in the chain keeps the part
of the net that was agreed, rounded down; the rest is the platform's. Bonus lots pay first, the one
that expires next before the others, then paid credit, then what may be owed. On what a bonus paid
no tax is due: it stays with who gave the bonus. What a hold keeps back nobody else may spend.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@dataclass(eq=False)
class AccountModel:
    """An account that pays: minor units."""

    posted: int = 0
    held: int = 0
    limit: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.held + self.limit

    def may_go_down_to(self, limit: int) -> bool:
        """Set how far it may go below zero, unless it is further below."""
        if self.posted - self.held < -limit:
            return False
        self.limit = limit
        return True


@dataclass(eq=False)
class LotModel:
    """A bonus lot; `ends` orders those that expire before those that do not."""

    account: AccountModel
    ends: float
    is_alive: bool = True

    @property
    def turn(self) -> tuple[bool, float]:
        """Order lots as they pay: those that have expired come first, as they did so."""
        return self.is_alive, self.ends


Draws = list[tuple[AccountModel, int]]


@dataclass(frozen=True)
class Paid:
    """What a charge must answer."""

    gross: int
    net: int
    tax: int
    balance: int
    version: int
    bonus: int
    owed: int
    uncollected: int


@dataclass(frozen=True)
class Refused:
    """What a charge must answer where money is missing; it changes nothing."""

    required: int
    missing: int


@dataclass(frozen=True)
class Terms:
    """What a book's charges cost and who earns them, the topmost reseller first."""

    price: Decimal
    tax: Decimal
    rates: Sequence[Decimal]
    is_taxed_at_top_up: bool

    def gross(self, quantity: Decimal) -> int:
        return half_up(Fraction(self.price) * Fraction(quantity) * 100)

    def tax_within(self, gross: int) -> int:
        return gross - half_up(gross / (1 + Fraction(self.tax)))


@dataclass(eq=False)
class BookModel:
    """What a reseller's book must hold: the platform's accounts, the chain's commissions."""

    terms: Terms
    platform: dict[str, int] = field(default_factory=dict)
    commissions: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commissions = [0] * len(self.terms.rates)

    def add(self, kind: str, minor: int) -> None:
        self.platform[kind] = self.platform.get(kind, 0) + minor

    def earn(self, gross: int, bonus: int) -> None:
        """Divide what was paid; `bonus` of it was no consideration."""
        terms = self.terms
        tax, due = terms.tax_within(gross), terms.tax_within(gross - bonus)
        self.add("tax_prepaid" if terms.is_taxed_at_top_up else "tax_payable", due)
        self.add("promotion", tax - due)
        agreed = [*map(Fraction, terms.rates), Fraction(0)]
        parts = [floor((gross - tax) * (own - below)) for own, below in pairwise(agreed)]
        self.commissions = [had + part for had, part in zip(self.commissions, parts, strict=True)]
        self.add("revenue", gross - tax - sum(parts))


@dataclass(eq=False)
class HoldModel:
    """What is kept back of which accounts, while it is open."""

    parts: Draws
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

    def pay_in(self, minor: int) -> None:
        """Pay what is owed first; the rest is the customer's."""
        owed = min(minor, -self.receivable.posted) if self.receivable else 0
        if self.receivable:
            self.receivable.posted += owed
        self.own.posted += minor - owed
        self.version += 1
        self.book.add("clearing", -minor)
        if self.book.terms.is_taxed_at_top_up:
            tax = self.book.terms.tax_within(minor)
            self.book.add("tax_payable", tax)
            self.book.add("tax_prepaid", -tax)

    def give_bonus(self, minor: int, ends: float) -> LotModel:
        lot = LotModel(AccountModel(minor), ends)
        self.lots = sorted([*self.lots, lot], key=lambda each: each.turn)
        self.book.add("promotion", -minor)
        return lot

    def expire(self, lot: LotModel) -> None:
        """Let a lot pay nothing more but what a hold keeps back of it, when that is captured."""
        if lot.is_alive:
            lot.ends = sum(not each.is_alive for each in self.lots)
            lot.is_alive = False
            self.lots.sort(key=lambda each: each.turn)

    def may_owe(self, limit: int) -> bool:
        """Set the grace limit, unless more is owed."""
        receivable = self.receivable or AccountModel()
        is_set = receivable.may_go_down_to(limit)
        self.receivable = receivable if is_set else self.receivable
        return is_set

    def charge(self, quantity: Decimal) -> Paid | Refused:
        gross = self.book.terms.gross(quantity)
        draws = _draw(self._payers(), gross)
        missing = gross - _sum(draws)
        return Refused(gross, missing) if missing else self._pay(draws, uncollected=0)

    def hold(self, minor: int) -> HoldModel | Refused:
        draws = self._draw_own(minor)
        if isinstance(draws, Refused):
            return draws
        made = HoldModel(draws)
        made.keep(draws)
        return made

    def extend(self, hold: HoldModel, minor: int) -> Refused | None:
        draws = self._draw_own(minor)
        if isinstance(draws, Refused):
            return draws
        hold.keep(draws)
        hold.parts += draws
        return None

    def capture(self, hold: HoldModel, quantity: Decimal) -> Paid:
        """Charge what was used as far as the money goes."""
        hold.close()
        gross = self.book.terms.gross(quantity)
        draws = self._draw_expired(hold, gross)
        draws += _draw(self._payers(), gross - _sum(draws))
        return self._pay(draws, uncollected=gross - _sum(draws))

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

    def _draw_expired(self, hold: HoldModel, minor: int) -> Draws:
        """Draw what this hold kept back of lots that expired meanwhile."""
        draws = []
        for lot in self.lots:
            kept = _sum(part for part in hold.parts if part[0] is lot.account)
            if kept and minor and not lot.is_alive:
                draws.append((lot.account, min(minor, kept)))
                minor -= min(minor, kept)
        return draws

    def _draw_own(self, minor: int) -> Draws | Refused:
        draws = _draw(self._own_payers(), minor)
        missing = minor - _sum(draws)
        return Refused(minor, missing) if missing else draws

    def _pay(self, draws: Draws, *, uncollected: int) -> Paid:
        lots = {id(lot.account) for lot in self.lots}
        gross, bonus = _sum(draws), _sum(draw for draw in draws if id(draw[0]) in lots)
        for account, minor in draws:
            account.posted -= minor
        self.version += 1
        self.book.earn(gross, bonus)
        tax = self.book.terms.tax_within(gross)
        return Paid(
            gross=gross,
            net=gross - tax,
            tax=tax,
            balance=self.own.posted,
            version=self.version,
            bonus=bonus,
            owed=_sum(draw for draw in draws if draw[0] is self.receivable),
            uncollected=uncollected,
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
