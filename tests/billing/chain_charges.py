"""Rules of the chain machine: usage, alone and in batches, caps, and charges written off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import consumes, multiple, rule

from app.billing import Charge, EventIdReusedError, UsageEvent
from app.billing.careful_charges import Outcome, charge_with_care
from app.kernel import now, transaction
from app.tenancy import TenantScope
from tests.billing.chain_answers import ChargedFee, Known, require, require_refusal
from tests.billing.chain_books import Book, Payer, month_of
from tests.billing.chain_ground import QUANTITIES, SUBJECTS, ChainGround
from tests.billing.chain_model import Paid
from tests.factories.money import an_event, charge


class ChargeRules(ChainGround):
    """What meters send, and what is taken back of it."""

    payers, charged, refused = ChainGround.payers, ChainGround.charged, ChainGround.refused
    fees = ChainGround.fees

    @rule(
        target=charged,
        payer=payers,
        quantity=QUANTITIES,
        subject=SUBJECTS,
        days_ago=st.sampled_from([0, 0, 0, 40]),
    )
    def charge_or_be_refused(
        self, payer: Payer, quantity: Decimal, subject: str | None, days_ago: int
    ) -> object:
        """Usage of a month before counts for the allowance of that month, and for the caps now."""
        event = an_event(payer.wallet, str(quantity))
        at = event.occurred_at - timedelta(days=days_ago)
        return self.send(payer, replace(event, subject=subject, occurred_at=at))

    @rule(target=charged, again=consumes(refused))
    def send_a_refused_event_again(self, again: tuple[Payer, UsageEvent]) -> object:
        return self.send(*again)

    @rule(target=refused, payer=payers, quantity=QUANTITIES)
    def ask_for_too_much(self, payer: Payer, quantity: Decimal) -> object:
        terms = payer.book.model.terms
        too_much = quantity + 1 + (payer.model.available() + 1) // (terms.price * 100)
        event = an_event(payer.wallet, str(too_much + terms.allowance))
        expected = payer.model.charge(event.quantity, month_of(event.occurred_at))
        assert not isinstance(expected, Paid)
        self.send(payer, event)
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
        sent=st.lists(st.tuples(st.integers(0, 1), QUANTITIES, SUBJECTS), min_size=1, max_size=5),
        repeated=st.lists(st.integers(0, 4), max_size=3),
        altered=st.lists(st.integers(0, 4), max_size=2),
        before=st.lists(charged, max_size=2),
    )
    def charge_a_batch(
        self,
        payer: Payer,
        sent: list[tuple[int, Decimal, str | None]],
        repeated: list[int],
        altered: list[int],
        before: list[Known],
    ) -> object:
        book = payer.book
        events = [
            replace(
                an_event(book.payers[who % len(book.payers)].wallet, str(quantity)), subject=line
            )
            for who, quantity, line in sent
        ]
        events += [known.event for known in before if known.payer.book is book]
        events += [events[place % len(sent)] for place in repeated]
        others = [events[place % len(sent)] for place in altered]
        events += [replace(event, quantity=event.quantity + 1) for event in others]
        scope = TenantScope(book.id)
        with transaction(scope) as session:
            outcomes = charge_with_care(session, scope, usages=events, now=now())
        return multiple(*self._agree(book, events, outcomes, before))

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
                continue
            if first is not None:
                assert isinstance(outcome, EventIdReusedError)
                continue
            month = month_of(event.occurred_at)
            expected = payer.model.charge(event.quantity, month, event.subject)
            if isinstance(expected, Paid):
                assert isinstance(outcome, Charge)
                made = Known(payer, event, outcome, require(outcome, expected))
                known[event.event_id] = made
                new.append(made)
            else:
                require_refusal(outcome, expected)
        return new

    @rule(payer=payers, subject=SUBJECTS, limit=st.sampled_from([None, None, 0, 120, 900, 20_000]))
    def cap(self, payer: Payer, subject: str | None, limit: int | None) -> None:
        self.set_cap(payer, subject, limit)

    @rule(known=charged)
    def write_a_charge_off(self, known: Known) -> None:
        self.write_off(known.payer, known.charge.id, known.booked)

    @rule(fee=fees)
    def write_a_fee_off(self, fee: ChargedFee) -> None:
        self.write_off(fee.payer, fee.entry_id, fee.booked)
