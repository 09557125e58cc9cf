"""Whatever customers, meters, clocks and roll-ups do, in any order, the books agree with a model.

`chain_model.py` is the model, `chain_books.py` a real chain beside it. Adjustments and reversals
join as rules here when there are use cases for them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

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
from app.billing import Charge, EventIdReusedError, InsufficientFundsError, TopUp, UsageEvent
from app.billing.careful_charges import Outcome, charge_with_care
from app.kernel import now, transaction
from app.ledger import HoldClosedError, HoldState
from app.tenancy import PlatformScope, TenantScope
from tests.billing.chain_answers import Known, Reserved, require, require_missing
from tests.billing.chain_books import PLANS, Book, ChainPlan, Payer, moment, open_books
from tests.billing.chain_model import LotModel, Refused
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, a_credit_limit, a_grace_limit, let_lot_expire
from tests.factories.holds import a_hold, capture, extend, let_hold_expire, release, used
from tests.factories.money import a_top_up, an_event, charge, settle
from tests.factories.names import unique

QUANTITIES = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(60), places=2)
LIMITS = st.sampled_from([0, 1, 350, 5_000])
# Of what is available; of what is held.
SHARES = st.sampled_from([0.01, 0.2, 0.5, 0.9, 1.0, 1.2])
CAPTURED = st.sampled_from([0.3, 1.0, 1.5, 40.0])


class ChainMachine(RuleBasedStateMachine):
    """Customers of the last reseller of a chain and of one in the middle."""

    database: Database
    payers = Bundle("payers")
    charged = Bundle("charged")
    refused = Bundle("refused")
    credited = Bundle("credited")
    lots = Bundle("lots")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.books: list[Book] = []

    @initialize(
        target=payers,
        plan=PLANS,
        funds=st.sampled_from([0, 600, 2_500]),
        bonus=st.sampled_from([0, 70, 500]),
        grace=st.sampled_from([0, 300]),
    )
    def open_the_books(self, plan: ChainPlan, funds: int, bonus: int, grace: int) -> object:
        self.books = open_books(plan)
        payers = [payer for book in self.books for payer in book.payers]
        for payer in payers:
            if funds:
                self.top_up(payer, funds)
            if bonus:
                self.give_bonus(payer, bonus, 0)
            if grace:
                self.change_grace(payer, grace)
        return multiple(*payers)

    @rule(target=credited, payer=payers, minor=st.integers(500, 3_000))
    def pay_in(self, payer: Payer, minor: int) -> TopUp:
        return self.top_up(payer, minor)

    def top_up(self, payer: Payer, minor: int) -> TopUp:
        top_up = settle(a_top_up(payer.wallet, minor))
        payer.model.pay_in(minor)
        return top_up

    @rule(top_up=credited)
    def repeat_a_top_up(self, top_up: TopUp) -> None:
        assert settle(top_up).state == "settled"

    @rule(target=lots, payer=payers, minor=st.integers(1, 900), days=st.sampled_from([0, 1, 30]))
    def give_some_bonus(self, payer: Payer, minor: int, days: int) -> tuple[LotModel, UUID]:
        return self.give_bonus(payer, minor, days)

    def give_bonus(self, payer: Payer, minor: int, days: int) -> tuple[LotModel, UUID]:
        at = now() + timedelta(days=days) if days else None
        account = a_bonus_lot(payer.wallet, minor, expires_at=at)
        lot = payer.model.give_bonus(minor, moment(at))
        payer.accounts[lot.account] = account
        return lot, account

    @rule(lot=consumes(lots))
    def a_bonus_expires(self, lot: tuple[LotModel, UUID]) -> None:
        lot[0].is_alive, lot[0].ends = False, moment(now())
        let_lot_expire(lot[1], self.database)

    @rule(payer=payers, limit=LIMITS)
    def change_the_credit_limit(self, payer: Payer, limit: int) -> None:
        if payer.model.own.may_go_down_to(limit):
            a_credit_limit(payer.wallet, limit)
        else:
            with pytest.raises(ledger.InsufficientFundsError):
                a_credit_limit(payer.wallet, limit)

    @rule(payer=payers, limit=LIMITS)
    def change_the_grace_limit(self, payer: Payer, limit: int) -> None:
        self.change_grace(payer, limit)

    def change_grace(self, payer: Payer, limit: int) -> None:
        if payer.model.may_owe(limit):
            account = a_grace_limit(payer.wallet, limit)
            assert payer.model.receivable is not None
            payer.accounts[payer.model.receivable] = account
        else:
            with pytest.raises(ledger.InsufficientFundsError):
                a_grace_limit(payer.wallet, limit)

    @rule(target=charged, payer=payers, quantity=QUANTITIES)
    def charge_or_be_refused(self, payer: Payer, quantity: Decimal) -> object:
        return self._send(payer, an_event(payer.wallet, str(quantity)))

    @rule(target=charged, again=consumes(refused))
    def send_a_refused_event_again(self, again: tuple[Payer, UsageEvent]) -> object:
        return self._send(*again)

    @rule(target=refused, payer=payers, quantity=QUANTITIES)
    def ask_for_too_much(self, payer: Payer, quantity: Decimal) -> object:
        price = payer.book.model.terms.price
        too_much = quantity + 1 + (payer.model.available() + 1) // (price * 100)
        event = an_event(payer.wallet, str(too_much))
        assert isinstance(payer.model.charge(event.quantity), Refused)
        self._send(payer, event)
        return payer, event

    @rule(known=charged)
    def repeat_a_charge(self, known: Known) -> None:
        again = charge(known.payer.wallet, known.event)
        assert again == replace(known.charge, replayed=True)

    @rule(known=charged, more=QUANTITIES)
    def reuse_an_id(self, known: Known, more: Decimal) -> None:
        with pytest.raises(EventIdReusedError):
            charge(known.payer.wallet, replace(known.event, quantity=known.event.quantity + more))

    @rule(
        target=charged,
        payer=payers,
        sent=st.lists(st.tuples(st.integers(0, 1), QUANTITIES), min_size=1, max_size=5),
        repeated=st.lists(st.integers(0, 4), max_size=3),
        altered=st.lists(st.integers(0, 4), max_size=2),
        before=st.lists(charged, max_size=2),
    )
    def charge_a_batch(
        self,
        payer: Payer,
        sent: list[tuple[int, Decimal]],
        repeated: list[int],
        altered: list[int],
        before: list[Known],
    ) -> object:
        book = payer.book
        events = [
            an_event(book.payers[who % len(book.payers)].wallet, str(quantity))
            for who, quantity in sent
        ]
        events += [known.event for known in before if known.payer.book is book]
        events += [events[place % len(sent)] for place in repeated]
        others = [events[place % len(sent)] for place in altered]
        events += [replace(event, quantity=event.quantity + 1) for event in others]
        scope = TenantScope(book.id)
        with transaction(scope) as session:
            outcomes = charge_with_care(session, scope, usages=events, now=now())
        return multiple(*self._agree(book, events, outcomes, before))

    @rule(target=holds, payer=payers, share=SHARES)
    def hold(self, payer: Payer, share: float) -> object:
        made = self._hold(payer, share)
        return made or multiple()

    @rule(
        target=charged,
        payer=payers,
        share=SHARES,
        used_share=CAPTURED,
        more=st.sampled_from([0.0, 0.3]),
    )
    def hold_and_capture(
        self, payer: Payer, share: float, used_share: float, more: float
    ) -> object:
        hold = self._hold(payer, share)
        if hold is None:
            return multiple()
        if more:
            self.extend(hold, more)
        return self.capture(hold, used_share)

    def _hold(self, payer: Payer, share: float) -> Reserved | None:
        minor, key = max(1, int(payer.model.own_available() * share)), unique("hold")
        expected = payer.model.hold(minor)
        if isinstance(expected, Refused):
            with pytest.raises(InsufficientFundsError) as refusal:
                a_hold(payer.wallet, minor, key=key)
            require_missing(refusal.value, expected)
            return None
        made = a_hold(payer.wallet, minor, key=key)
        assert (made.amount.minor, made.replayed) == (minor, False)
        assert made.available.minor == payer.model.own.available
        return Reserved(payer, made.id, key, minor, expected)

    @rule(hold=holds)
    def repeat_a_hold(self, hold: Reserved) -> None:
        again = a_hold(hold.payer.wallet, hold.minor, key=hold.key)
        assert (again.id, again.replayed) == (hold.id, True)
        assert (again.state is HoldState.OPEN) == hold.model.is_open
        assert again.available.minor == hold.payer.model.own.available

    @rule(hold=holds, share=SHARES)
    def extend_some(self, hold: Reserved, share: float) -> None:
        self.extend(hold, share)

    def extend(self, hold: Reserved, share: float) -> None:
        wallet, model = hold.payer.wallet, hold.payer.model
        minor = max(1, int(model.own_available() * share))
        if not hold.model.is_open:
            with pytest.raises((HoldClosedError, InsufficientFundsError)):
                extend(wallet, hold.id, minor)
        elif isinstance(expected := model.extend(hold.model, minor), Refused):
            with pytest.raises(InsufficientFundsError) as refusal:
                extend(wallet, hold.id, minor)
            require_missing(refusal.value, expected)
        else:
            assert extend(wallet, hold.id, minor).amount.minor == hold.model.minor

    @rule(hold=holds)
    def extend_in_time_only(self, hold: Reserved) -> None:
        until = now() + timedelta(hours=5)
        if hold.model.is_open:
            assert extend(hold.payer.wallet, hold.id, expires_at=until).expires_at == until
        else:
            with pytest.raises(HoldClosedError):
                extend(hold.payer.wallet, hold.id, expires_at=until)

    @rule(target=charged, hold=holds, share=CAPTURED)
    def capture_some(self, hold: Reserved, share: float) -> object:
        return self.capture(hold, share)

    def capture(self, hold: Reserved, share: float) -> object:
        """Capture less than was held, all, more, more than everything."""
        payer = hold.payer
        exact = Decimal(int(hold.model.minor * share)) / (payer.book.model.terms.price * 100)
        usage = used(str(max(Decimal("0.01"), round(exact, 2))))
        if not hold.model.is_open:
            with pytest.raises(HoldClosedError):
                capture(payer.wallet, hold.id, usage)
            return multiple()
        made = capture(payer.wallet, hold.id, usage)
        require(made, payer.model.capture(hold.model, usage.quantity))
        assert replace(made, replayed=True) == capture(payer.wallet, hold.id, usage)
        event = an_event(
            payer.wallet, str(usage.quantity), event_id=usage.event_id,
            occurred_at=usage.occurred_at,
        )  # fmt: skip
        return Known(payer, event, made)

    @rule(known=charged, hold=holds)
    def capture_what_was_charged_before(self, known: Known, hold: Reserved) -> None:
        """An event that is known is answered, and the hold is free again."""
        if known.payer is hold.payer:
            usage = used(
                str(known.event.quantity), event_id=known.event.event_id,
                occurred_at=known.event.occurred_at,
            )  # fmt: skip
            again = capture(hold.payer.wallet, hold.id, usage)
            hold.model.close()
            assert again == replace(known.charge, replayed=True)

    @rule(hold=holds)
    def release(self, hold: Reserved) -> None:
        was_open = hold.model.is_open
        hold.model.close()
        state = release(hold.payer.wallet, hold.id).state
        assert state is HoldState.RELEASED or not was_open

    @rule(hold=holds)
    def a_hold_expires(self, hold: Reserved) -> None:
        let_hold_expire(hold.id, self.database)
        hold.model.close()

    @rule(payer=payers, limit=st.integers(1, 5))
    def roll_up(self, payer: Payer, limit: int) -> None:
        with transaction(TenantScope(payer.book.id)) as session:
            ledger.roll_up(session, payer.book.id, limit=limit)

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        for book in self.books:
            book.require_agreement()

    def teardown(self) -> None:
        scope = PlatformScope()
        with transaction(scope) as session:
            checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
        assert {check.name: check.broken for check in checks if check.broken} == {}

    def _send(self, payer: Payer, event: UsageEvent) -> object:
        expected = payer.model.charge(event.quantity)
        if isinstance(expected, Refused):
            with pytest.raises(InsufficientFundsError) as refusal:
                charge(payer.wallet, event)
            require_missing(refusal.value, expected)
            return multiple()
        made = charge(payer.wallet, event)
        require(made, expected)
        return Known(payer, event, made)

    def _agree(
        self, book: Book, events: list[UsageEvent], outcomes: list[Outcome], before: list[Known]
    ) -> list[Known]:
        """Compare a batch's outcomes with the model's, one after the other; return what is new."""
        payers = {payer.wallet.customer_id: payer for payer in book.payers}
        known = {each.event.event_id: each for each in before}
        new = []
        for event, outcome in zip(events, outcomes, strict=True):
            payer, first = payers[event.customer_id], known.get(event.event_id)
            if first is not None and first.event == event:
                assert outcome == replace(first.charge, replayed=True)
            elif first is not None:
                assert isinstance(outcome, EventIdReusedError)
            elif isinstance(expected := payer.model.charge(event.quantity), Refused):
                require_missing(outcome, expected)
            else:
                assert isinstance(outcome, Charge)
                require(outcome, expected)
                known[event.event_id] = Known(payer, event, outcome)
                new.append(known[event.event_id])
        return new


def test_the_books_agree_with_the_model_whatever_happens(own_database: Database) -> None:
    ChainMachine.database = own_database
    run_state_machine_as_test(
        ChainMachine,
        settings=settings(
            max_examples=45,
            stateful_step_count=50,
            deadline=None,
            # A shrink would play hundreds of lives more; one of 50 steps reads well as it is.
            phases=[Phase.reuse, Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
