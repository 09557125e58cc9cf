"""A real chain of resellers beside its model, and what both hold at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import select

from app import billing, ledger
from app.billing import Wallet
from app.billing.models import UsageVolume
from app.kernel import Money, now, transaction
from app.ledger import AccountName
from app.pricing import CreditPurpose, Offer, set_fee
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.billing.chain_model import AccountModel, Booked, BookModel, Month, Terms
from tests.billing.chain_wallets import WalletModel
from tests.factories.money import LONG_AGO, a_priced_reseller, a_wallet, an_offer

T = TypeVar("T")
CURRENCIES = ("EUR", "USD", "GBP")
BERLIN = ZoneInfo("Europe/Berlin")
FEE = "number"


@dataclass(frozen=True)
class ChainPlan:
    """What a chain is to look like: the agreements from the top down, two offers."""

    rates: tuple[Decimal, ...]
    prices: tuple[Decimal, Decimal]
    taxes: tuple[Decimal, Decimal]
    currencies: tuple[str, str]
    purposes: tuple[CreditPurpose, CreditPurpose]
    allowances: tuple[Decimal, Decimal]
    fees: tuple[int, int]


def _pairs(of: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, T]]:
    return st.tuples(of, of)


def _rates(parts: list[int]) -> tuple[Decimal, ...]:
    return tuple(sorted((Decimal(part).scaleb(-6) for part in parts), reverse=True))


PLANS = st.builds(
    ChainPlan,
    rates=st.lists(st.integers(0, 600_000), min_size=1, max_size=6).map(_rates),
    prices=_pairs(st.decimals("0.01", "0.6", places=6)),
    taxes=_pairs(st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.19"), Decimal("0.255")])),
    currencies=st.permutations(CURRENCIES).map(lambda some: (some[0], some[1])),
    purposes=_pairs(st.sampled_from(CreditPurpose)),
    allowances=_pairs(st.sampled_from([Decimal(0), Decimal(25), Decimal("90.5")])),
    fees=_pairs(st.sampled_from([45, 199])),
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
class ContractModel:
    """A fee agreed from a month on, on the 10th at noon; `paid` of its periods were charged."""

    payer: Payer
    id: UUID
    first_month: int
    minor: int
    paid: int = 0


@dataclass(eq=False)
class Book:
    """A reseller's book, its chain from the top down, and its model."""

    chain: list[Tenant]
    model: BookModel
    currency: str
    payers: list[Payer] = field(default_factory=list)
    contracts: list[ContractModel] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return self.chain[-1].id

    @property
    def own_account(self) -> UUID:
        """The account of the reseller's own money."""
        return ledger.account_id(self.id, AccountName("reseller_balance", self.id, self.currency))

    def add_payer(self) -> None:
        wallet = a_wallet(0, reseller=self.chain[-1], currency=self.currency)
        self.payers.append(Payer(wallet, WalletModel(self.model), self))

    def require_agreement(self) -> None:
        """Compare everything that is stored with the model, as of one moment."""
        accounts = {real: model for payer in self.payers for model, real in payer.accounts.items()}
        if self.model.is_funded:
            accounts[self.own_account] = self.model.own
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
        named = self._shared()
        assert {account: minor for account, minor in kept.items() if minor} == {
            account: minor for account, minor in named.items() if minor
        }
        assert sum(each.posted for each in accounts.values()) + sum(kept.values()) == 0

    def require_counts(self) -> None:
        """Compare what is counted beside the ledger: caps, and the volumes of months."""
        scope = TenantScope(self.id)
        with transaction(scope) as session:
            for payer in self.payers:
                caps = billing.list_caps(session, scope, wallet=payer.wallet, now=now())
                model = payer.model
                assert {each.subject: (each.limit.minor, each.spent.minor) for each in caps} == {
                    subject: (limit, model.spent(subject)) for subject, limit in model.caps.items()
                }
            found = session.scalars(select(UsageVolume).where(UsageVolume.reseller_id == self.id))
            kept = {(row.wallet_id, row.month): row.quantity for row in found}
        if self.model.terms.allowance:
            assert {key: total for key, total in kept.items() if total} == {
                (payer.wallet.id, date(*month, 1)): total
                for payer in self.payers
                for month, total in payer.model.volumes.items()
                if total
            }
        else:
            assert not kept

    def charge_fees(self, today: datetime) -> tuple[int, list[tuple[ContractModel, int, Booked]]]:
        """Charge what has begun, the oldest first: how many could not pay, and what was booked.

        A contract that cannot pay a period waits with those after it.
        """
        refused, booked = 0, []
        for contract in sorted(self.contracts, key=lambda each: each.first_month + each.paid):
            while contract.first_month + contract.paid <= last_tenth(today):
                made = contract.payer.model.charge_fee(contract.minor)
                if made is None:
                    refused += 1
                    break
                contract.paid += 1
                booked.append((contract, contract.paid, made))
        return refused, booked

    def _shared(self) -> dict[UUID, int]:
        names = {("commission", member.id): earned for member, earned in self._earnings()}
        for kind, minor in self.model.shared.items():
            names[kind, self.id if kind == "gift_relief" else PLATFORM_ID] = minor
        return {
            ledger.account_id(self.id, AccountName(kind, owner, self.currency)): minor
            for (kind, owner), minor in names.items()
        }

    def _earnings(self) -> list[tuple[Tenant, int]]:
        return list(zip(self.chain, self.model.commissions, strict=True))


def open_books(plan: ChainPlan) -> list[Book]:
    """Make the chain; the last reseller's book has two payers, one of the middle has another.

    The two books have prices, taxes and currencies of their own.
    """
    offers = [_an_offer(plan, place) for place in (0, 1)]
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
                plan.allowances[offer],
                plan.fees[offer],
                plan.taxes[offer],
                plan.rates[:place],
                plan.purposes[offer] is CreditPurpose.SINGLE,
            )
            books.append(Book(chain[:place], BookModel(terms), plan.currencies[offer]))
            for _ in range(payers):
                books[-1].add_payer()
    return books


def _an_offer(plan: ChainPlan, place: int) -> Offer:
    currency, scope = plan.currencies[place], PlatformScope()
    offer = an_offer(
        unit_price=str(plan.prices[place]),
        tax_rate=str(plan.taxes[place]),
        currency=currency,
        purpose=plan.purposes[place],
        allowance=str(plan.allowances[place]),
    )
    with transaction(scope) as session:
        set_fee(
            session, scope, offer_id=offer.id, fee=FEE, name="Number",
            amount=Money(plan.fees[place], currency), months=1, valid_from=LONG_AGO,
        )  # fmt: skip
    return offer


def month_of(at: datetime) -> Month:
    """The month of a time in Berlin."""
    local = at.astimezone(BERLIN)
    return local.year, local.month


def last_tenth(at: datetime) -> int:
    """The month of the last 10th, at noon in Berlin; months are counted from the year 0."""
    local = at.astimezone(BERLIN)
    return local.year * 12 + local.month - 1 - ((local.day, local.hour) < (10, 12))


def tenth_of(month: int) -> datetime:
    """Noon of the 10th of a month."""
    return datetime(month // 12, month % 12 + 1, 10, 12, tzinfo=BERLIN).astimezone(UTC)


def moment(at: datetime | None) -> float:
    """Order times, those that never come last."""
    return float("inf") if at is None else at.timestamp()
