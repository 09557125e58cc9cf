"""What wallets and books must hold, in plain Python.

It shares nothing with the product but its rules in words: gross is price times quantity, half a
cent goes up; net is gross without tax, half a cent goes up; everybody in the chain keeps the part
of the net that was agreed, rounded down; the rest is the platform's. Bonus lots pay first, the one
that expires next before the others, then paid credit, then what may be owed. On what a bonus paid
no tax is due: it stays with who gave the bonus. What is given on as credit has its tax fall due
then, where it falls due with credit at all. Wallets are in `chain_wallets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor


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
    """A bonus lot; `ends` orders those that expire before those that do not.

    A gift is from the reseller's own balance.
    """

    account: AccountModel
    ends: float
    is_alive: bool = True
    is_gift: bool = False


Draws = list[tuple[AccountModel, int]]
Month = tuple[int, int]


@dataclass(frozen=True)
class Shares:
    """What an entry gave to everybody but who paid it."""

    shared: dict[str, int]
    commissions: list[int]


@dataclass(eq=False)
class Booked:
    """What a charge of usage or a fee moved; a fee has no month of use."""

    draws: Draws
    shares: Shares
    quantity: Decimal = Decimal(0)
    month: Month | None = None
    subject: str | None = None
    is_reversed: bool = False

    @property
    def gross(self) -> int:
        return sum(minor for _, minor in self.draws)


@dataclass(frozen=True)
class Paid:
    """What a charge must answer, and what it moved."""

    gross: int
    net: int
    tax: int
    balance: int
    version: int
    bonus: int
    owed: int
    uncollected: int
    free: Decimal
    booked: Booked | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Refused:
    """What a charge must answer where money is missing; it changes nothing."""

    required: int
    missing: int


@dataclass(frozen=True)
class Capped:
    """What a charge or a hold must answer that would pass a cap; it changes nothing."""

    limit: int
    spent: int
    held: int


@dataclass(frozen=True)
class Terms:
    """What a book's charges cost and who earns them, the topmost reseller first.

    `allowance` units of every month are free; `fee` is what a contract costs a month.
    """

    price: Decimal
    allowance: Decimal
    fee: int
    tax: Decimal
    rates: Sequence[Decimal]
    is_taxed_at_top_up: bool

    def gross(self, quantity: Decimal) -> int:
        return half_up(Fraction(self.price) * Fraction(quantity) * 100)

    def tax_within(self, gross: int) -> int:
        return gross - half_up(gross / (1 + Fraction(self.tax)))


@dataclass(eq=False)
class BookModel:
    """What a reseller's book must hold: the platform's accounts, the chain's commissions, hers."""

    terms: Terms
    shared: dict[str, int] = field(default_factory=dict)
    commissions: list[int] = field(default_factory=list)
    own: AccountModel = field(default_factory=AccountModel)
    is_funded: bool = False

    def __post_init__(self) -> None:
        self.commissions = [0] * len(self.terms.rates)

    def add(self, kind: str, minor: int) -> None:
        self.shared[kind] = self.shared.get(kind, 0) + minor

    def let_tax_fall_due(self, credit: int) -> None:
        """With credit that is paid in or given; below zero, that is taken back."""
        if self.terms.is_taxed_at_top_up:
            tax = self.terms.tax_within(abs(credit)) * (1 if credit > 0 else -1)
            self.add("tax_payable", tax)
            self.add("tax_prepaid", -tax)

    def share(self, gross: int, bonus: Sequence[tuple[LotModel, int]]) -> Shares:
        """Divide what was paid; what lots paid of it was no consideration."""
        terms, paid = self.terms, gross
        shared = {"promotion": 0, "gift_relief": 0}
        for lot, minor in bonus:
            relief = terms.tax_within(paid) - terms.tax_within(paid - minor)
            shared["gift_relief" if lot.is_gift else "promotion"] += relief
            paid -= minor
        shared["tax_prepaid" if terms.is_taxed_at_top_up else "tax_payable"] = terms.tax_within(
            paid
        )
        net = gross - terms.tax_within(gross)
        agreed = [*map(Fraction, terms.rates), Fraction(0)]
        parts = [floor(net * (own - below)) for own, below in pairwise(agreed)]
        shared["revenue"] = net - sum(parts)
        return Shares(shared, parts)

    def earn(self, shares: Shares, *, times: int = 1) -> None:
        """Give everybody their share; -1 times, take it back."""
        for kind, minor in shares.shared.items():
            self.add(kind, minor * times)
        pairs = zip(self.commissions, shares.commissions, strict=True)
        self.commissions = [had + part * times for had, part in pairs]

    def pay_in(self, minor: int) -> None:
        """The reseller's own deposit."""
        self.own.posted += minor
        self.is_funded = True
        self.add("clearing", -minor)

    def fund(self, minor: int) -> bool:
        """Move commission of hers to her own balance, where there is as much."""
        if self.commissions[-1] < minor:
            return False
        self.is_funded = True
        self.commissions[-1] -= minor
        self.own.posted += minor
        return True

    def give_on(self, minor: int) -> Refused | None:
        """Give of her own balance: the tax that her gifts did not owe is hers first."""
        relief = max(self.shared.get("gift_relief", 0), -self.own.available)
        if self.own.available + relief < minor:
            return Refused(minor, minor - self.own.available - relief)
        self.add("gift_relief", -relief)
        self.own.posted += relief - minor
        return None
