"""Every charge is divided to the cent, along any chain, whoever pays it (requirements C2, C7)."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from app import commissions
from app.billing import chart
from app.billing.rating import Rated, rate
from app.billing.spending import Draw, Payer, PayerKind, draw, drawn, transfers
from app.billing.terms import ChargeTerms, Span
from app.ledger import AccountName, LockedBalance, account_id
from app.pricing import CreditPurpose, Tariff
from app.tenancy import PLATFORM_ID
from tests.billing.chain_books import PLANS, ChainPlan
from tests.billing.chain_model import AccountModel, BookModel, LotModel, Terms

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
BOOK = UUID(int=1)
QUANTITIES = st.decimals("0.000001", "100000", places=6)
MINORS = st.integers(0, 50_000)
# What bonus lots hold, and the paid credit; the rest is owed.
PURSES = st.tuples(st.lists(MINORS, max_size=3), MINORS)
WHATEVER = 10**12


def terms_of(plan: ChainPlan) -> ChargeTerms:
    """The terms of the last reseller of a chain; the topmost is number 1."""
    tariff = Tariff(
        UUID(int=0), plan.prices[0], plan.currencies[0], plan.taxes[0], plan.purposes[0]
    )
    path = [UUID(int=number) for number in range(1, len(plan.rates) + 1)]
    shares = commissions.flatten(path, plan.rates)
    always = Span(SINCE, None)
    accounts = chart.payee_accounts(BOOK, tariff.currency, tariff.credit_purpose, shares)
    return ChargeTerms(tariff, shares, accounts, 0, always, always)


def a_book(plan: ChainPlan) -> BookModel:
    single = plan.purposes[0] is CreditPurpose.SINGLE
    free = Decimal(0)
    return BookModel(Terms(plan.prices[0], free, 0, plan.taxes[0], plan.rates, single))


def payers_of(purse: tuple[list[int], int]) -> list[Payer]:
    lots, own = purse
    kinds = [*([PayerKind.BONUS] * len(lots)), PayerKind.WALLET, PayerKind.RECEIVABLE]
    holdings = [*((lot, 0) for lot in lots), (own, 0), (0, WHATEVER)]
    return [
        Payer(kind, LockedBalance(UUID(int=1_000 + place), posted, 0, limit, 0, 0))
        for place, (kind, (posted, limit)) in enumerate(zip(kinds, holdings, strict=True))
    ]


@dataclass
class Moved:
    """What the transfers of a charge take from each payer and bring to each payee."""

    given: Counter[UUID]
    taken: Counter[UUID]
    pairs: set[tuple[UUID, UUID]]


def moved(terms: ChargeTerms, rated: Rated, draws: list[Draw]) -> Moved:
    result = Moved(Counter(), Counter(), set())
    made = transfers(
        draws, rated.split, terms.accounts,
        tax_rate=terms.tariff.tax_rate, currency=terms.tariff.currency,
    )  # fmt: skip
    for each in made:
        assert each.amount.minor > 0
        assert each.amount.currency == terms.tariff.currency
        result.given[each.debit_id] += each.amount.minor
        result.taken[each.credit_id] += each.amount.minor
        result.pairs.add((each.debit_id, each.credit_id))
    return result


@given(plan=PLANS, quantity=QUANTITIES)
def test_tax_commissions_and_revenue_are_the_charge_and_what_was_agreed(
    plan: ChainPlan, quantity: Decimal
) -> None:
    rated, book = rate(terms_of(plan), quantity, used=Decimal(0)), a_book(plan)

    split = rated.split

    gross = book.terms.gross(quantity)
    book.earn(book.share(gross, []))
    assert split.gross == gross == split.tax + sum(split.commissions) + split.revenue
    assert split.tax == book.terms.tax_within(gross)
    assert list(split.commissions) == book.commissions
    assert split.revenue == book.shared["revenue"]
    assert min(split.tax, split.revenue, *split.commissions) >= 0


@given(plan=PLANS, quantity=QUANTITIES, purse=PURSES)
def test_whoever_pays_every_draw_is_given_whole_and_every_share_is_paid_whole(
    plan: ChainPlan, quantity: Decimal, purse: tuple[list[int], int]
) -> None:
    terms, book = terms_of(plan), a_book(plan)
    rated = rate(terms, quantity, used=Decimal(0))
    draws = draw(payers_of(purse), rated.split.gross)

    made = moved(terms, rated, draws)

    bonus = (LotModel(AccountModel(), 0), drawn(draws, PayerKind.BONUS))
    book.earn(book.share(rated.split.gross, [bonus]))
    assert made.given == Counter({each.payer.balance.account_id: each.minor for each in draws})
    expected = Counter(dict(zip(terms.accounts.commissions, book.commissions, strict=True)))
    for kind, minor in book.shared.items():
        name = AccountName(kind, PLATFORM_ID, terms.tariff.currency)
        expected[account_id(BOOK, name)] += minor
    assert +made.taken == +expected


# A bonus of a cent whose tax is less than half a cent: nothing falls back to its giver.
@example(
    plan=ChainPlan(
        (Decimal(0),), (Decimal("0.01"),) * 2, (Decimal("0.07"),) * 2, ("EUR", "USD"),
        (CreditPurpose.SINGLE,) * 2, (Decimal(0),) * 2, (45, 45),
    ),
    quantity=Decimal(9),
    purse=([1], 0),
)  # fmt: skip
@given(plan=PLANS, quantity=QUANTITIES, purse=PURSES)
def test_a_bonus_pays_no_tax_and_nobody_else_pays_back_its_giver(
    plan: ChainPlan, quantity: Decimal, purse: tuple[list[int], int]
) -> None:
    terms = terms_of(plan)
    rated = rate(terms, quantity, used=Decimal(0))
    payers = payers_of(purse)
    draws = draw(payers, rated.split.gross)

    made = moved(terms, rated, draws)

    lots = {each.balance.account_id for each in payers if each.kind is PayerKind.BONUS}
    accounts = terms.accounts
    assert all(payee != accounts.tax for payer, payee in made.pairs if payer in lots)
    assert all(payer in lots for payer, payee in made.pairs if payee == accounts.promotion)
    tax = made.taken[accounts.tax] + made.taken[accounts.promotion]
    assert tax == rated.split.tax
