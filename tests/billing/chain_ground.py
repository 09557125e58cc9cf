"""Where a life of the chain machine begins, what must hold after each step, and at its end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
)

from app import billing, ledger
from app.billing import AlreadyReversedError, TopUp, UsageEvent
from app.kernel import Money, now, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.billing.chain_answers import REFUSALS, Known, require, require_refusal
from tests.billing.chain_books import PLANS, Book, ChainPlan, Payer, moment, month_of, open_books
from tests.billing.chain_model import Booked, LotModel, Paid
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, a_grace_limit
from tests.factories.credits import reverse
from tests.factories.money import a_top_up, charge, settle

QUANTITIES = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(60), places=2)
LIMITS = st.sampled_from([0, 1, 350, 5_000])
# Mostly none, so that wallets without caps are met, too.
SUBJECTS = st.sampled_from([None, None, "line:+49301", "line:+49302"])


class ChainGround(RuleBasedStateMachine):
    """Customers of the last reseller of a chain and of one in the middle."""

    database: Database
    payers = Bundle("payers")
    charged = Bundle("charged")
    refused = Bundle("refused")
    credited = Bundle("credited")
    lots = Bundle("lots")
    holds = Bundle("holds")
    fees = Bundle("fees")

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

    def top_up(self, payer: Payer, minor: int) -> TopUp:
        top_up = settle(a_top_up(payer.wallet, minor))
        payer.model.pay_in(minor)
        return top_up

    def give_bonus(self, payer: Payer, minor: int, days: int) -> tuple[LotModel, UUID]:
        at = now() + timedelta(days=days) if days else None
        account = a_bonus_lot(payer.wallet, minor, expires_at=at)
        lot = payer.model.give_bonus(minor, moment(at))
        payer.accounts[lot.account] = account
        return lot, account

    def change_grace(self, payer: Payer, limit: int) -> None:
        if payer.model.may_owe(limit):
            account = a_grace_limit(payer.wallet, limit)
            assert payer.model.receivable is not None
            payer.accounts[payer.model.receivable] = account
        else:
            with pytest.raises(ledger.InsufficientFundsError):
                a_grace_limit(payer.wallet, limit)

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        for book in self.books:
            book.require_agreement()

    def teardown(self) -> None:
        for book in self.books:
            book.require_counts()
        scope = PlatformScope()
        with transaction(scope) as session:
            checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
        broken = {check.name: check.broken for check in checks if check.broken}
        assert not broken, broken

    def send(self, payer: Payer, event: UsageEvent) -> object:
        """Charge an event or be refused, as the model says."""
        month = month_of(event.occurred_at)
        expected = payer.model.charge(event.quantity, month, event.subject)
        if isinstance(expected, Paid):
            made = charge(payer.wallet, event)
            return Known(payer, event, made, require(made, expected))
        with pytest.raises(REFUSALS) as refusal:
            charge(payer.wallet, event)
        require_refusal(refusal.value, expected)
        return multiple()

    def set_cap(self, payer: Payer, subject: str | None, limit: int | None) -> None:
        """What was charged this month counts from the start."""
        wallet, caps, scope = payer.wallet, payer.model.caps, TenantScope(payer.book.id)
        money = None if limit is None else Money(limit, wallet.currency)
        with transaction(scope) as session:
            billing.set_cap(
                session, scope, wallet_id=wallet.id, subject=subject, limit=money, now=now()
            )
        if limit is None:
            caps.pop(subject, None)
        else:
            caps[subject] = limit

    def write_off(self, payer: Payer, entry_id: UUID, booked: Booked) -> None:
        if booked.is_reversed:
            with pytest.raises(AlreadyReversedError):
                reverse(payer.book.id, entry_id)
        else:
            reverse(payer.book.id, entry_id)
            payer.model.reverse(booked)
