"""Whatever customers, meters and roll-ups do in whatever order, the books agree with a model.

The model is plain Python and shares nothing with the product but its rules in words: gross is
price times quantity, half a cent goes up; net is gross without tax, half a cent goes up; everybody
in the chain keeps the part of the net that was agreed, rounded down; the rest is the platform's.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app import billing, ledger
from app.billing import (
    Charge,
    EventIdReusedError,
    InsufficientFundsError,
    TopUp,
    UsageEvent,
    Wallet,
)
from app.kernel import transaction
from app.pricing import CreditPurpose
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.factories.money import (
    a_chain,
    a_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    owned_by,
    settle,
)

PRICE, TAX = Fraction(19, 100), Fraction(19, 100)
# What each member of the chain of three agreed, the topmost first.
RATES = {1: ("0.25",), 2: ("0.25", "0.15"), 3: ("0.25", "0.15", "0.10")}
QUANTITIES = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(60), places=2)


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@dataclass
class BookModel:
    """What one reseller's book must hold."""

    chain: list[Tenant]
    purpose: CreditPurpose
    platform: dict[str, int] = field(default_factory=dict)
    commission: list[int] = field(default_factory=list)

    def pay_in(self, minor: int) -> None:
        self._add("clearing", -minor)
        if self.purpose is CreditPurpose.SINGLE:
            tax = minor - half_up(minor / (1 + TAX))
            self._add("tax_payable", tax)
            self._add("tax_prepaid", -tax)

    def cost(self, quantity: Decimal) -> int:
        return half_up(PRICE * Fraction(quantity) * 100)

    def charge(self, gross: int) -> None:
        net = half_up(gross / (1 + TAX))
        single = self.purpose is CreditPurpose.SINGLE
        self._add("tax_prepaid" if single else "tax_payable", gross - net)
        agreed = [Fraction(rate) for rate in RATES[len(self.chain)]] + [Fraction(0)]
        parts = [floor(net * (own - below)) for own, below in pairwise(agreed)]
        self.commission = [had + part for had, part in zip(self.commission, parts, strict=True)]
        self._add("revenue", net - sum(parts))

    def _add(self, kind: str, minor: int) -> None:
        self.platform[kind] = self.platform.get(kind, 0) + minor


@dataclass(frozen=True, eq=False)
class Payer:
    """A wallet, the book it stands in, and what it must hold."""

    wallet: Wallet
    book: BookModel


class ChainMachine(RuleBasedStateMachine):
    """Two customers of the last reseller of a chain and one of the middle one."""

    payers = Bundle("payers")
    charged = Bundle("charged")
    refused = Bundle("refused")
    credited = Bundle("credited")

    def __init__(self) -> None:
        super().__init__()
        self.funds: dict[Payer, int] = {}
        self.books: list[BookModel] = []

    @initialize(target=payers, purpose=st.sampled_from(CreditPurpose))
    def open_the_books(self, purpose: CreditPurpose) -> object:
        offer = an_offer(unit_price="0.19", tax_rate="0.19", purpose=purpose)
        chain = a_chain(3, offer=offer, rates=RATES[3])
        self.books = [BookModel(chain[:depth], purpose, commission=[0] * depth) for depth in (2, 3)]
        payers = [
            Payer(a_wallet(0, reseller=book.chain[-1]), book)
            for book in (self.books[0], self.books[1], self.books[1])
        ]
        self.funds = dict.fromkeys(payers, 0)
        return multiple(*payers)

    @rule(target=credited, payer=payers, minor=st.integers(500, 3_000))
    def top_up(self, payer: Payer, minor: int) -> TopUp:
        top_up = settle(a_top_up(payer.wallet, minor))
        self.funds[payer] += minor
        payer.book.pay_in(minor)
        return top_up

    @rule(top_up=credited)
    def repeat_a_top_up(self, top_up: TopUp) -> None:
        assert settle(top_up).state == "settled"

    @rule(target=charged, payer=payers, quantity=QUANTITIES)
    def charge_or_be_refused(self, payer: Payer, quantity: Decimal) -> object:
        return self._send(payer, an_event(payer.wallet, str(quantity)))

    @rule(target=charged, again=consumes(refused))
    def send_a_refused_event_again(self, again: tuple[Payer, UsageEvent]) -> object:
        return self._send(*again)

    @rule(target=refused, payer=payers, quantity=QUANTITIES)
    def ask_for_too_much(self, payer: Payer, quantity: Decimal) -> object:
        too_much = quantity + 20 * (1 + self.funds[payer] // 100)
        event = an_event(payer.wallet, str(too_much))
        with pytest.raises(InsufficientFundsError) as refusal:
            charge(payer.wallet, event)
        required = payer.book.cost(event.quantity)
        assert refusal.value.facts["missing"] == required - self.funds[payer]
        return payer, event

    @rule(known=charged)
    def repeat_a_charge(self, known: tuple[Payer, UsageEvent, Charge]) -> None:
        payer, event, first = known
        assert charge(payer.wallet, event) == replace(first, replayed=True)

    @rule(known=charged, more=QUANTITIES)
    def reuse_an_id(self, known: tuple[Payer, UsageEvent, Charge], more: Decimal) -> None:
        payer, event, _ = known
        with pytest.raises(EventIdReusedError):
            charge(payer.wallet, replace(event, quantity=event.quantity + more))

    @rule(payer=payers, limit=st.integers(1, 5))
    def roll_up(self, payer: Payer, limit: int) -> None:
        book = payer.book.chain[-1].id
        with transaction(TenantScope(book)) as session:
            ledger.roll_up(session, book, limit=limit)

    @invariant()
    def wallets_hold_what_the_model_says(self) -> None:
        for book in self.books:
            mine = {payer: minor for payer, minor in self.funds.items() if payer.book is book}
            scope = TenantScope(book.chain[-1].id)
            accounts = [payer.wallet.account_id for payer in mine]
            with transaction(scope) as session:
                found = ledger.get_balances(session, scope.reseller_id, accounts)
            assert [found[each].posted.minor for each in accounts] == list(mine.values())

    @invariant()
    def beneficiaries_own_what_the_model_says_and_all_adds_up_to_nothing(self) -> None:
        for book in self.books:
            identifier = book.chain[-1].id
            platform = owned_by(PLATFORM_ID, book_id=identifier)
            commission = [
                owned_by(member.id, book_id=identifier)["commission"] for member in book.chain
            ]
            funds = [minor for payer, minor in self.funds.items() if payer.book is book]

            assert {kind: minor for kind, minor in platform.items() if minor} == {
                kind: minor for kind, minor in book.platform.items() if minor
            }
            assert commission == book.commission
            assert sum(funds) + sum(platform.values()) + sum(commission) == 0

    def teardown(self) -> None:
        scope = PlatformScope()
        with transaction(scope) as session:
            checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
        assert {check.name: check.broken for check in checks if check.broken} == {}

    def _send(self, payer: Payer, event: UsageEvent) -> object:
        gross = payer.book.cost(event.quantity)
        if gross > self.funds[payer]:
            with pytest.raises(InsufficientFundsError):
                charge(payer.wallet, event)
            return multiple()
        made = charge(payer.wallet, event)
        self.funds[payer] -= gross
        payer.book.charge(gross)
        assert (made.gross.minor, made.replayed) == (gross, False)
        assert made.balance.minor == self.funds[payer]
        return payer, event, made


@pytest.mark.usefixtures("own_database")
def test_the_books_agree_with_the_model_whatever_happens() -> None:
    run_state_machine_as_test(
        ChainMachine,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            # A shrink would play hundreds of lives more; one of 25 steps reads well as it is.
            phases=[Phase.reuse, Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
