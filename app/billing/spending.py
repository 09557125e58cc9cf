"""Who pays a charge, and to whom: pure rules.

A wallet's bonus lots pay first, in the order in which they expire, then its paid credit, then, for
usage that was delivered already, its receivable (requirements C6, C9).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from app import ledger, pricing
from app.kernel import Money
from app.ledger import LockedBalance, TransferDraft


class PayerKind(Enum):
    """What sort of money an account of a wallet is."""

    BONUS = "bonus"
    WALLET = "wallet"
    RECEIVABLE = "receivable"


@dataclass(slots=True)
class Payer:
    """A locked account that pays for a wallet; at most so much of it, where that is said.

    `is_gift` of a bonus that a reseller gave out of her own balance.
    """

    kind: PayerKind
    balance: LockedBalance
    at_most: int | None = None
    is_gift: bool = False

    @property
    def available(self) -> int:
        """Return what it may give now, in minor units."""
        available = self.balance.available
        return available if self.at_most is None else min(available, self.at_most)


@dataclass(frozen=True, slots=True)
class Draw:
    """`minor` units that a payer gives for one charge."""

    payer: Payer
    minor: int


@dataclass(frozen=True, slots=True)
class PayeeAccounts:
    """The accounts of a book that a charge credits; `commissions` in the order of the terms.

    `promotion` and `gift_relief` take the tax back that bonus of the platform, or of the reseller,
    does not owe; the latter is open where she has given one.
    """

    tax: UUID
    commissions: tuple[UUID, ...]
    revenue: UUID
    promotion: UUID
    gift_relief: UUID


@dataclass(frozen=True, slots=True)
class Split:
    """A charge, divided: gross = tax + commissions + revenue, to the cent, in minor units."""

    gross: int
    tax: int
    commissions: Sequence[int]
    revenue: int


@dataclass(frozen=True, slots=True)
class RatingFacts:
    """What was special about a charge; amounts in minor units, quantities in the meter's unit.

    `bonus` was paid by bonus lots, `owed` by the receivable; `uncollected` is what a capture cost
    beyond its hold and the balance: nobody paid it.
    """

    free: Decimal = Decimal(0)
    parts: tuple[tuple[Decimal, Decimal], ...] = ()
    is_minimum: bool = False
    bonus: int = 0
    owed: int = 0
    uncollected: int = 0

    def as_json(self) -> dict[str, Any] | None:
        """Return what is stored with the usage record; None where there is nothing to say."""
        if self is NOTHING_SPECIAL:
            return None
        facts = {
            "free": str(self.free) if self.free else None,
            "parts": [[str(quantity), str(price)] for quantity, price in self.parts] or None,
            "minimum": self.is_minimum or None,
            "bonus": self.bonus or None,
            "owed": self.owed or None,
            "uncollected": self.uncollected or None,
        }
        said = {name: fact for name, fact in facts.items() if fact is not None}
        return said or None

    @classmethod
    def of_json(cls, stored: dict[str, Any] | None) -> RatingFacts:
        """Return the facts that `as_json` stored."""
        if stored is None:
            return NOTHING_SPECIAL
        said = stored
        return cls(
            free=Decimal(said.get("free", 0)),
            parts=tuple((Decimal(q), Decimal(price)) for q, price in said.get("parts", ())),
            is_minimum=said.get("minimum", False),
            bonus=said.get("bonus", 0),
            owed=said.get("owed", 0),
            uncollected=said.get("uncollected", 0),
        )


# Nearly every charge is by a plain tariff and paid by one account.
NOTHING_SPECIAL = RatingFacts()


def draw(payers: Iterable[Payer], minor: int) -> list[Draw]:
    """Return what each payer gives, in their order, until `minor` is paid or nobody has more."""
    draws = []
    for payer in payers:
        given = min(minor, payer.available)
        if given > 0:
            draws.append(Draw(payer, given))
            minor -= given
    return draws


def drawn(draws: Iterable[Draw], kind: PayerKind | None = None) -> int:
    """Return what the draws come to, of one kind of payer or of all."""
    return sum(each.minor for each in draws if kind is None or each.payer.kind is kind)


def transfers(
    draws: Sequence[Draw],
    split: Split,
    accounts: PayeeAccounts,
    *,
    tax_rate: Decimal,
    currency: str,
) -> list[TransferDraft]:
    """Return who pays whom: every draw is given away whole, every share is paid whole.

    What a bonus pays lowers the price (§ 10 (1), § 17 (1) UStG): the tax within it is owed to
    nobody and falls back to whoever gave it, the platform or the reseller; the tax that is left is
    the tax within what was paid.
    """
    if len(draws) == 1 and draws[0].payer.kind is not PayerKind.BONUS:
        return paid_by_one(draws[0].payer.balance.account_id, split, accounts, currency)
    bonus = drawn(draws, PayerKind.BONUS)
    reliefs = _reliefs(draws, split, accounts, tax_rate, currency)
    relief = sum(reliefs.values())
    payees = [pair for pair in reliefs.items() if pair[1]]
    earned = [*zip(accounts.commissions, split.commissions, strict=True)]
    due = (accounts.tax, split.tax - relief)
    # Tax first is how a charge reads; where a bonus pays, it must not pay the tax.
    order = [*earned, (accounts.revenue, split.revenue)]
    payees += [*order, due] if bonus else [due, *order]
    payers = [(each.payer.balance.account_id, each.minor) for each in draws]
    return [
        TransferDraft(debit, credit, Money(minor, currency))
        for debit, credit, minor in _match(payers, payees)
    ]


def paid_by_one(
    payer: UUID, split: Split, accounts: PayeeAccounts, currency: str
) -> list[TransferDraft]:
    """Return what one account pays alone: nearly every charge."""
    shares = (
        (accounts.tax, split.tax),
        *zip(accounts.commissions, split.commissions, strict=True),
        (accounts.revenue, split.revenue),
    )
    return [TransferDraft(payer, payee, Money(minor, currency)) for payee, minor in shares if minor]


def _reliefs(
    draws: Sequence[Draw], split: Split, accounts: PayeeAccounts, tax_rate: Decimal, currency: str
) -> dict[UUID, int]:
    """Return the tax that each giver of a bonus gets back, lot by lot in the order of spending.

    Each lot's is what it adds to what the ones before it came to, so that nothing is lost.
    """
    reliefs: dict[UUID, int] = {}
    bonus = told = 0
    for each in draws:
        if each.payer.kind is PayerKind.BONUS:
            bonus += each.minor
            relief = _relief(bonus, split, tax_rate, currency)
            giver = accounts.gift_relief if each.payer.is_gift else accounts.promotion
            reliefs[giver] = reliefs.get(giver, 0) + relief - told
            told = relief
    return reliefs


def _relief(bonus: int, split: Split, tax_rate: Decimal, currency: str) -> int:
    if not bonus:
        return 0
    return split.tax - pricing.tax_within(Money(split.gross - bonus, currency), tax_rate).minor


def _match(
    payers: Sequence[tuple[UUID, int]], payees: Sequence[tuple[UUID, int]]
) -> Iterable[tuple[UUID, UUID, int]]:
    """Yield (payer, payee, amount): both sides in their order, each used up before the next."""
    giving = iter([pair for pair in payers if pair[1]])
    payer, left = next(giving, (None, 0))
    for payee, wanted in payees:
        while wanted:
            if payer is None:
                raise ledger.TransferRefusedError(key="unpaid share")
            amount = min(left, wanted)
            yield payer, payee, amount
            left, wanted = left - amount, wanted - amount  # noqa: PLW2901 - a running rest
            if not left:
                payer, left = next(giving, (None, 0))
