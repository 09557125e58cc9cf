"""Who pays whom: laws that hold for every charge, whatever pays for it (requirements C2, C9)."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.billing.rating import divide
from app.billing.spending import Draw, PayeeAccounts, Payer, PayerKind, draw, drawn, transfers
from app.commissions import Term
from app.kernel import Money, new_id
from app.ledger import LockedBalance, TransferDraft
from app.pricing import tax_within

CURRENCIES = ("EUR", "USD", "GBP")
TAX_RATES = st.decimals(min_value=0, max_value=1, places=4)


@dataclass(frozen=True)
class Case:
    """A charge, what its payers have, and the rates of the chain."""

    gross: Money
    tax_rate: Decimal
    terms: list[Term]
    lots: list[tuple[int, bool]]


@st.composite
def cases(draw_from: st.DrawFn) -> Case:
    gross = draw_from(st.integers(1, 100_000))
    rates = draw_from(st.lists(st.decimals(0, Decimal("0.16"), places=4), min_size=1, max_size=6))
    return Case(
        gross=Money(gross, draw_from(st.sampled_from(CURRENCIES))),
        tax_rate=draw_from(TAX_RATES),
        terms=[Term(new_id(), rate) for rate in rates],
        lots=draw_from(st.lists(st.tuples(st.integers(0, gross), st.booleans()), max_size=4)),
    )


def a_payer(kind: PayerKind, minor: int, *, is_gift: bool = False) -> Payer:
    return Payer(kind, LockedBalance(new_id(), minor, 0, 0, 0, 0), is_gift=is_gift)


def some_accounts(case: Case) -> PayeeAccounts:
    commissions = tuple(new_id() for _ in case.terms)
    return PayeeAccounts(new_id(), commissions, new_id(), new_id(), new_id())


@given(case=cases())
def test_every_draw_is_given_away_whole_and_every_share_is_paid_whole(case: Case) -> None:
    gross, currency = case.gross, case.gross.currency
    payers = [a_payer(PayerKind.BONUS, minor, is_gift=is_gift) for minor, is_gift in case.lots]
    payers.append(a_payer(PayerKind.WALLET, gross.minor))
    accounts = some_accounts(case)
    split = divide(gross, tax_within(gross, case.tax_rate), case.terms)
    draws = draw(payers, gross.minor)

    made = transfers(draws, split, accounts, tax_rate=case.tax_rate, currency=currency)

    given_by, got = totals(made)
    assert given_by == {each.payer.balance.account_id: each.minor for each in draws}
    paid = Money(gross.minor - drawn(draws, PayerKind.BONUS), currency)
    due = tax_within(paid, case.tax_rate).minor
    # The tax that is left is the tax within what was paid; the rest of it goes back to the giver.
    assert got.pop(accounts.tax, 0) == due
    back = got.pop(accounts.promotion, 0), got.pop(accounts.gift_relief, 0)
    assert sum(back) == split.tax - due
    by_giver = [
        sum(each.minor for each in draws if each.payer in payers[:-1] and each.payer.is_gift is own)
        for own in (False, True)
    ]
    assert all(0 <= relief <= given for relief, given in zip(back, by_giver, strict=True))
    assert all(each.payer.kind is PayerKind.BONUS for each in paying(draws, made, accounts))
    assert got.pop(accounts.revenue, 0) == split.revenue
    shares = dict(zip(accounts.commissions, split.commissions, strict=True))
    assert got == {account: minor for account, minor in shares.items() if minor}
    assert all(each.amount.minor > 0 for each in made)


@given(case=cases())
def test_bonus_gives_tax_back_only_and_pays_no_tax_where_it_pays_all(case: Case) -> None:
    gross = case.gross
    accounts = some_accounts(case)
    split = divide(gross, tax_within(gross, case.tax_rate), case.terms)
    lot, wallet = a_payer(PayerKind.BONUS, gross.minor), a_payer(PayerKind.WALLET, gross.minor)

    by_bonus = transfers(
        draw([lot, wallet], gross.minor),
        split,
        accounts,
        tax_rate=case.tax_rate,
        currency=gross.currency,
    )
    by_wallet = transfers(
        draw([wallet], gross.minor),
        split,
        accounts,
        tax_rate=case.tax_rate,
        currency=gross.currency,
    )

    assert totals(by_bonus)[1].get(accounts.tax, 0) == 0
    assert totals(by_bonus)[1].get(accounts.promotion, 0) == split.tax
    assert totals(by_wallet)[1].get(accounts.promotion, 0) == 0
    assert totals(by_wallet)[1].get(accounts.tax, 0) == split.tax


def paying(draws: list[Draw], made: list[TransferDraft], accounts: PayeeAccounts) -> list[Draw]:
    """The draws that give tax back."""
    back = {accounts.promotion, accounts.gift_relief}
    payers = {each.debit_id for each in made if each.credit_id in back}
    return [each for each in draws if each.payer.balance.account_id in payers]


@given(case=cases())
def test_each_giver_of_bonus_gets_back_what_its_lots_made_less_to_tax(case: Case) -> None:
    gross = case.gross
    accounts, tax = some_accounts(case), tax_within(gross, case.tax_rate).minor
    split = divide(gross, Money(tax, gross.currency), case.terms)
    half = gross.minor // 2
    promotion = a_payer(PayerKind.BONUS, half)
    gift = a_payer(PayerKind.BONUS, gross.minor - half, is_gift=True)

    made = transfers(
        draw([promotion, gift], gross.minor),
        split,
        accounts,
        tax_rate=case.tax_rate,
        currency=gross.currency,
    )

    got = totals(made)[1]
    left = tax_within(gross - Money(half, gross.currency), case.tax_rate).minor
    assert got.get(accounts.promotion, 0) == tax - left
    assert got.get(accounts.gift_relief, 0) == left


def totals(made: list[TransferDraft]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """What each payer gave and each payee got."""
    given_by: dict[UUID, int] = {}
    got: dict[UUID, int] = {}
    for each in made:
        given_by[each.debit_id] = given_by.get(each.debit_id, 0) + each.amount.minor
        got[each.credit_id] = got.get(each.credit_id, 0) + each.amount.minor
    return given_by, got
