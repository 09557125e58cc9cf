"""Rules of the chain machine: what is paid in, given, taken, agreed; how far below zero it goes."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import consumes, multiple, rule
from sqlalchemy import select

from app import billing, ledger
from app.billing import (
    CommissionTooLowError,
    FeeRun,
    InsufficientFundsError,
    LimitBelowDebtError,
    OwnBalanceTooLowError,
    TopUp,
    charge_due_fees,
    open_contract,
    set_postpaid,
    set_prepaid,
)
from app.billing.credit_models import FeeRecord
from app.kernel import Money, now, transaction
from app.tenancy import TenantScope
from tests.billing.chain_answers import ChargedFee, Known, require_refusal
from tests.billing.chain_books import FEE, Book, ContractModel, Payer, last_tenth, moment, tenth_of
from tests.billing.chain_ground import LIMITS, ChainGround
from tests.billing.chain_model import LotModel, Refused
from tests.factories.credit import let_lot_expire
from tests.factories.credits import REASON, STAFF, adjust
from tests.factories.money import an_event, settle
from tests.factories.names import unique

ADJUSTED = st.sampled_from([1, 137, 900])


class CreditRules(ChainGround):
    """Money that comes and goes by other ways than usage."""

    payers, charged, credited = ChainGround.payers, ChainGround.charged, ChainGround.credited
    lots, fees = ChainGround.lots, ChainGround.fees

    @rule(target=credited, payer=payers, minor=st.integers(500, 3_000))
    def pay_in(self, payer: Payer, minor: int) -> TopUp:
        return self.top_up(payer, minor)

    @rule(top_up=credited)
    def repeat_a_top_up(self, top_up: TopUp) -> None:
        assert settle(top_up).state == "settled"

    @rule(target=lots, payer=payers, minor=st.integers(1, 900), days=st.sampled_from([0, 1, 30]))
    def give_some_bonus(self, payer: Payer, minor: int, days: int) -> tuple[LotModel, UUID]:
        return self.give_bonus(payer, minor, days)

    @rule(lot=consumes(lots))
    def a_bonus_expires(self, lot: tuple[LotModel, UUID]) -> None:
        lot[0].is_alive, lot[0].ends = False, moment(now())
        let_lot_expire(lot[1], self.database)

    @rule(payer=payers, limit=LIMITS)
    def make_postpaid(self, payer: Payer, limit: int) -> None:
        self._change_policy(payer, limit, is_postpaid=True)

    @rule(payer=payers)
    def make_prepaid(self, payer: Payer) -> None:
        self._change_policy(payer, 0, is_postpaid=False)

    @rule(target=charged, payer=payers, limit=st.sampled_from([400, 2_000]))
    def go_below_zero_on_credit(self, payer: Payer, limit: int) -> object:
        """Use all there is and half of the credit limit; prepaid again it may not be then."""
        self._change_policy(payer, limit, is_postpaid=True)
        terms, model = payer.book.model.terms, payer.model
        minor = model.own_available() - model.own.limit // 2
        quantity = terms.allowance + max(Decimal(1), minor // (terms.price * 100))
        made = self.send(payer, an_event(payer.wallet, str(quantity)))
        self._change_policy(payer, 0, is_postpaid=False)
        return made

    def _change_policy(self, payer: Payer, limit: int, *, is_postpaid: bool) -> None:
        may = payer.model.may_use(limit, is_postpaid=is_postpaid)
        if may:
            self._set_policy(payer, limit, is_postpaid=is_postpaid)
        else:
            with pytest.raises(LimitBelowDebtError):
                self._set_policy(payer, limit, is_postpaid=is_postpaid)
        scope = TenantScope(payer.book.id)
        with transaction(scope) as session:
            wallet = billing.get_wallet_by_id(session, scope, wallet_id=payer.wallet.id)
            limits = billing.wallet_limits(session, scope, wallet=wallet)
        assert (wallet.mode == "postpaid") == payer.model.is_postpaid
        assert limits.credit.minor == payer.model.own.limit

    def _set_policy(self, payer: Payer, limit: int, *, is_postpaid: bool) -> None:
        scope, wallet = TenantScope(payer.book.id), payer.wallet
        customer, currency = wallet.customer_id, wallet.currency
        with transaction(scope) as session:
            if is_postpaid:
                money = Money(limit, currency)
                set_postpaid(session, scope, customer_id=customer, credit_limit=money, now=now())
            else:
                set_prepaid(session, scope, customer_id=customer, currency=currency, now=now())

    @rule(payer=payers, limit=LIMITS)
    def change_the_grace_limit(self, payer: Payer, limit: int) -> None:
        self.change_grace(payer, limit)

    @rule(payer=payers, minor=ADJUSTED, sign=st.sampled_from([1, -1, -1]))
    def adjust_by_hand(self, payer: Payer, minor: int, sign: int) -> None:
        """The platform gives, or takes: never what is kept back, never beyond the limit."""
        key, expected = unique("key"), payer.model.adjust(minor * sign)
        if expected:
            with pytest.raises(InsufficientFundsError) as refusal:
                adjust(payer.wallet, minor * sign, key=key)
            require_refusal(refusal.value, expected)
        else:
            made = adjust(payer.wallet, minor * sign, key=key)
            assert adjust(payer.wallet, minor * sign, key=key).id == made.id

    @rule(payer=payers, minor=st.sampled_from([3, 250]))
    def fund_by_commission(self, payer: Payer, minor: int) -> None:
        book = payer.book
        if book.model.fund(minor):
            self._fund(book, minor)
        else:
            with pytest.raises(CommissionTooLowError):
                self._fund(book, minor)

    def _fund(self, book: Book, minor: int) -> None:
        scope, money = TenantScope(book.id), Money(minor, book.currency)
        with transaction(scope) as session:
            billing.fund_by_commission(session, scope, amount=money, key=unique("key"), now=now())

    @rule(payer=payers, minor=st.integers(500, 1_500))
    def fund_by_top_up(self, payer: Payer, minor: int) -> None:
        scope, money = TenantScope(payer.book.id), Money(minor, payer.book.currency)
        with transaction(scope) as session:
            top_up = billing.fund_by_top_up(
                session, scope, amount=money, request_key=unique("request"), now=now()
            )
        assert settle(top_up).state == "settled"
        payer.book.model.pay_in(minor)

    @rule(payer=payers, minor=ADJUSTED)
    def give_of_ones_own(self, payer: Payer, minor: int) -> None:
        """The reseller gives paid credit of her own balance, as far as that goes."""
        if payer.model.be_given(minor):
            with pytest.raises(OwnBalanceTooLowError):
                self._give(payer, minor, as_bonus=False)
        else:
            assert self._give(payer, minor, as_bonus=False).amount_minor == minor

    @rule(target=lots, payer=payers, minor=ADJUSTED)
    def give_bonus_of_ones_own(self, payer: Payer, minor: int) -> object:
        lot = payer.model.be_given_bonus(minor, moment(None))
        if isinstance(lot, Refused):
            with pytest.raises(OwnBalanceTooLowError):
                self._give(payer, minor, as_bonus=True)
            return multiple()
        made = self._give(payer, minor, as_bonus=True)
        assert made.lot_id is not None
        name = ledger.AccountName("bonus", made.lot_id, payer.book.currency)
        account = ledger.account_id(payer.book.id, name)
        payer.accounts[lot.account] = account
        return lot, account

    def _give(self, payer: Payer, minor: int, *, as_bonus: bool) -> billing.Adjustment:
        scope = TenantScope(payer.book.id)
        with transaction(scope) as session:
            return billing.give_credit(
                session, scope, wallet_id=payer.wallet.id,
                amount=Money(minor, payer.book.currency), reason=REASON, key=unique("key"),
                now=now(), actor=STAFF, as_bonus=as_bonus,
            )  # fmt: skip

    @rule(payer=payers, ago=st.sampled_from([-1, 0, 1, 2]), quantity=st.integers(1, 3))
    def agree_a_fee(self, payer: Payer, ago: int, quantity: int) -> None:
        """From a 10th on: what began since is due, what begins later is not."""
        scope, first = TenantScope(payer.book.id), last_tenth(now()) - ago
        with transaction(scope) as session:
            made = open_contract(
                session, scope, wallet_id=payer.wallet.id, fee=FEE, quantity=quantity,
                starts_at=tenth_of(first), key=unique("contract"),
            )  # fmt: skip
        minor = payer.book.model.terms.fee * quantity
        payer.book.contracts.append(ContractModel(payer, made.id, first, minor))

    @rule(target=fees, payer=payers)
    def charge_the_fees(self, payer: Payer) -> object:
        """Each period that has begun once, however often somebody runs."""
        book, at, scope = payer.book, now(), TenantScope(payer.book.id)
        before = self._fee_entries(book)
        refused, booked = book.charge_fees(at)
        assert charge_due_fees(scope, now=at) == FeeRun(len(booked), refused)
        assert charge_due_fees(scope, now=at) == FeeRun(0, refused)
        entries = self._fee_entries(book)
        new = entries.keys() - before.keys()
        assert new == {(contract.id, n) for contract, n, _ in booked}
        return multiple(
            *(ChargedFee(each.payer, entries[each.id, n], made) for each, n, made in booked)
        )

    @rule(target=charged, payer=payers)
    def owe_pay_and_write_off(self, payer: Payer) -> object:
        """What a top-up has paid of a debt comes back as paid credit."""
        model, terms = payer.model, payer.book.model.terms
        self.change_grace(payer, 5_000)
        quantity = (model.own_available() + 300) // (terms.price * 100) + terms.allowance
        made = self.send(payer, an_event(payer.wallet, str(quantity)))
        self.top_up(payer, 900)
        if isinstance(made, Known):
            self.write_off(payer, made.charge.id, made.booked)
        return made

    def _fee_entries(self, book: Book) -> dict[tuple[UUID, int], UUID]:
        with transaction(TenantScope(book.id)) as session:
            rows = session.scalars(select(FeeRecord).where(FeeRecord.reseller_id == book.id))
            return {(row.contract_id, row.n): row.entry_id for row in rows}
