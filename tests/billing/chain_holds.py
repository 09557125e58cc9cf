"""Rules of the chain machine: credit that is kept back, captured, freed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from app.kernel import now
from app.ledger import HoldClosedError, HoldState
from tests.billing.chain_answers import REFUSALS, Known, Reserved, require, require_refusal
from tests.billing.chain_books import Payer, month_of
from tests.billing.chain_ground import SUBJECTS, ChainGround
from tests.billing.chain_wallets import HoldModel
from tests.factories.holds import a_hold, capture, extend, let_hold_expire, release, used
from tests.factories.money import an_event
from tests.factories.names import unique

# Of what is available; of what is held.
SHARES = st.sampled_from([0.01, 0.2, 0.5, 0.9, 1.0, 1.2])
LINES = ("line:+49301", "line:+49302")
CAPTURED = st.sampled_from([0.3, 1.0, 1.5, 40.0])


class HoldRules(ChainGround):
    """Calls whose length nobody knows."""

    payers, charged, holds = ChainGround.payers, ChainGround.charged, ChainGround.holds

    @rule(target=holds, payer=payers, share=SHARES, subject=SUBJECTS)
    def hold(self, payer: Payer, share: float, subject: str | None) -> object:
        made = self._hold(payer, share, subject)
        return made or multiple()

    @rule(
        target=charged,
        payer=payers,
        share=SHARES,
        used_share=CAPTURED,
        more=st.sampled_from([0.0, 0.3]),
        subject=SUBJECTS,
    )
    def hold_and_capture(
        self, payer: Payer, share: float, used_share: float, more: float, subject: str | None
    ) -> object:
        hold = self._hold(payer, share, subject)
        if hold is None:
            return multiple()
        if more:
            self.extend(hold, more)
        return self.capture(hold, used_share)

    def _hold(self, payer: Payer, share: float, subject: str | None) -> Reserved | None:
        minor, key = max(1, int(payer.model.own_available() * share)), unique("hold")
        expected = payer.model.hold(minor, subject)
        if not isinstance(expected, HoldModel):
            with pytest.raises(REFUSALS) as refusal:
                a_hold(payer.wallet, minor, key=key, subject=subject)
            require_refusal(refusal.value, expected)
            return None
        made = a_hold(payer.wallet, minor, key=key, subject=subject)
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
            with pytest.raises(HoldClosedError):
                extend(wallet, hold.id, minor)
        elif expected := model.extend(hold.model, minor):
            with pytest.raises(REFUSALS) as refusal:
                extend(wallet, hold.id, minor)
            require_refusal(refusal.value, expected)
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
        month = month_of(usage.occurred_at)
        booked = require(made, payer.model.capture(hold.model, usage.quantity, month))
        assert replace(made, replayed=True) == capture(payer.wallet, hold.id, usage)
        event = an_event(
            payer.wallet, str(usage.quantity), event_id=usage.event_id,
            occurred_at=usage.occurred_at,
        )  # fmt: skip
        return Known(payer, event, made, booked)

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

    @rule(
        target=charged, payer=payers, line=st.sampled_from(LINES), over=st.sampled_from([0, 1, 30])
    )
    def fill_a_cap(self, payer: Payer, line: str, over: int) -> object:
        """Beside a hold a line uses what its cap leaves; a capture passes it, a write-off frees."""
        self.set_cap(payer, None, None)
        self.set_cap(payer, line, None)
        self.top_up(payer, 1_500)
        hold = self._hold(payer, 0.05, line)
        if hold is None:
            return multiple()
        model, price = payer.model, payer.book.model.terms.price
        kept = sum(each.minor for each in model.holds if each.is_open and each.subject == line)
        self.set_cap(payer, line, model.spent(line) + kept + 60)
        used_up = payer.book.model.terms.allowance + 1
        many = round(Decimal(60 + over) / (price * 100), 2)
        made = [
            self._use(payer, None, used_up),
            self._use(payer, line, many),
            self._use(payer, next(other for other in LINES if other != line), many + 60),
            self.capture(hold, 40.0),
            self._use(payer, line, Decimal(9)),
        ]
        known = [each for each in made if isinstance(each, Known)]
        self.write_off(payer, known[-1].charge.id, known[-1].booked)
        payer.book.require_counts()
        return multiple(*known)

    def _use(self, payer: Payer, line: str | None, quantity: Decimal) -> object:
        return self.send(payer, replace(an_event(payer.wallet, str(quantity)), subject=line))
