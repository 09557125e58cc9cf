"""A real chain of resellers beside its model, and what both hold at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from app import ledger
from app.billing import Wallet
from app.kernel import transaction
from app.pricing import CreditPurpose
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.billing.chain_model import AccountModel, BookModel, Terms, WalletModel
from tests.factories.money import a_priced_reseller, a_wallet, an_offer

CURRENCIES = ("EUR", "USD", "GBP")


@dataclass(frozen=True)
class ChainPlan:
    """What a chain is to look like: the agreements from the top down, two offers."""

    rates: tuple[Decimal, ...]
    prices: tuple[Decimal, Decimal]
    taxes: tuple[Decimal, Decimal]
    currencies: tuple[str, str]
    purposes: tuple[CreditPurpose, CreditPurpose]


def _pairs(of: st.SearchStrategy[Decimal]) -> st.SearchStrategy[tuple[Decimal, Decimal]]:
    return st.tuples(of, of)


def _rates(parts: list[int]) -> tuple[Decimal, ...]:
    return tuple(sorted((Decimal(part).scaleb(-6) for part in parts), reverse=True))


PLANS = st.builds(
    ChainPlan,
    rates=st.lists(st.integers(0, 600_000), min_size=1, max_size=6).map(_rates),
    prices=_pairs(st.decimals("0.01", "0.6", places=6)),
    taxes=_pairs(st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.19"), Decimal("0.255")])),
    currencies=st.permutations(CURRENCIES).map(lambda some: (some[0], some[1])),
    purposes=st.tuples(st.sampled_from(CreditPurpose), st.sampled_from(CreditPurpose)),
)


@dataclass(eq=False)
class Payer:
    """A wallet, its model, and which account of the ledger each account of the model is."""

    wallet: Wallet
    model: WalletModel
    book: Book
    accounts: dict[AccountModel, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts[self.model.own] = self.wallet.account_id


@dataclass(eq=False)
class Book:
    """A reseller's book, its chain from the top down, and its model."""

    chain: list[Tenant]
    model: BookModel
    payers: list[Payer] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return self.chain[-1].id

    def add_payer(self, currency: str) -> None:
        wallet = a_wallet(0, reseller=self.chain[-1], currency=currency)
        self.payers.append(Payer(wallet, WalletModel(self.model), self))

    def require_agreement(self) -> None:
        """Compare everything that is stored with the model, as of one moment."""
        accounts = {real: model for payer in self.payers for model, real in payer.accounts.items()}
        with transaction(TenantScope(self.id)) as session:
            found = ledger.get_balances(session, self.id, list(accounts))
            shared = [line for line in ledger.shared_balances(session) if line.book_id == self.id]
        assert {
            real: (each.posted.minor, each.held.minor, each.available.minor)
            for real, each in found.items()
        } == {real: (each.posted, each.held, each.available) for real, each in accounts.items()}
        for payer in self.payers:
            assert found[payer.wallet.account_id].version == payer.model.version
        kept = {line.account_id: line.posted.minor for line in shared}
        named = self._shared(accounts_of=self.payers[0].wallet.currency)
        assert {account: minor for account, minor in kept.items() if minor} == {
            account: minor for account, minor in named.items() if minor
        }
        assert sum(each.posted for each in accounts.values()) + sum(kept.values()) == 0

    def _shared(self, *, accounts_of: str) -> dict[UUID, int]:
        names = {("commission", member.id): earned for member, earned in self._earnings()}
        names |= {(kind, PLATFORM_ID): minor for kind, minor in self.model.platform.items()}
        return {
            ledger.account_id(self.id, ledger.AccountName(kind, owner, accounts_of)): minor
            for (kind, owner), minor in names.items()
        }

    def _earnings(self) -> list[tuple[Tenant, int]]:
        return list(zip(self.chain, self.model.commissions, strict=True))


def open_books(plan: ChainPlan) -> list[Book]:
    """Make the chain; the last reseller's book has two payers, one of the middle has another.

    The two books have prices, taxes and currencies of their own.
    """
    offers = [
        an_offer(unit_price=str(price), tax_rate=str(tax), currency=currency, purpose=purpose)
        for price, tax, currency, purpose in zip(
            plan.prices, plan.taxes, plan.currencies, plan.purposes, strict=True
        )
    ]
    depth = len(plan.rates)
    middle = depth // 2
    chain: list[Tenant] = []
    for place, rate in enumerate(plan.rates, 1):
        sold = offers[1] if place == middle else offers[0]
        parent = chain[-1].id if chain else PLATFORM_ID
        chain.append(a_priced_reseller(offer=sold, rate=str(rate), parent_id=parent))
    books = []
    for place, offer, payers in ((depth, 0, 2), (middle, 1, 1)):
        if place:
            terms = Terms(
                plan.prices[offer],
                plan.taxes[offer],
                plan.rates[:place],
                plan.purposes[offer] is CreditPurpose.SINGLE,
            )
            books.append(Book(chain[:place], BookModel(terms)))
            for _ in range(payers):
                books[-1].add_payer(plan.currencies[offer])
    return books


def moment(at: datetime | None) -> float:
    """Order times, those that never come last."""
    return float("inf") if at is None else at.timestamp()
