"""Whatever customers, meters, resellers, clocks and roll-ups do, in any order, the books agree.

`chain_model.py` and `chain_wallets.py` are the model, `chain_books.py` a real chain beside it; the
rules are in `chain_charges.py`, `chain_holds.py` and `chain_credit.py`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from app import ledger
from app.kernel import transaction
from app.tenancy import TenantScope
from tests.billing.chain_books import Payer
from tests.billing.chain_charges import ChargeRules
from tests.billing.chain_credit import CreditRules
from tests.billing.chain_ground import ChainGround
from tests.billing.chain_holds import HoldRules
from tests.conftest import Database


class ChainMachine(ChargeRules, HoldRules, CreditRules):
    """Everything that moves money of a wallet; each life prints its steps when it fails."""

    payers = ChainGround.payers

    @rule(payer=payers, limit=st.integers(1, 5))
    def roll_up(self, payer: Payer, limit: int) -> None:
        with transaction(TenantScope(payer.book.id)) as session:
            ledger.roll_up(session, payer.book.id, limit=limit)


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
