"""Errors in lots, debts, fees, adjustments and reversals, planted by the superuser."""

# ruff: noqa: S608 - the superuser's own statements, from constants

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app import billing, ledger
from app.billing import Wallet, charge_due_fees
from app.billing.chart import own_balance_account
from app.kernel import now, transaction
from app.tenancy import Tenant
from tests.factories import scope_of
from tests.factories.credits import (
    a_contract,
    adjust,
    allow_grace,
    cap,
    give,
    lots_of,
    own_funds,
    reverse,
    with_bonus,
    with_fee,
)
from tests.factories.money import (
    a_priced_reseller,
    a_wallet,
    an_offer,
    charge,
    scope_of_wallet,
)
from tests.ledger.planted import Plant


@dataclass(frozen=True)
class CreditWorld:
    """Every sort of credit once, and the rows that errors are planted in."""

    credit_book: UUID
    credit_wallet: UUID
    credit_account: UUID
    lot: UUID
    lot_account: UUID
    fee_entry: UUID
    contract: UUID
    adjustment_entry: UUID
    mixed_entry: UUID
    plain_entry: UUID
    owing_wallet: UUID
    reversal_entry: UUID
    own_account: UUID
    receivable: UUID


def a_credit_seller() -> Tenant:
    """A reseller that sells with a bonus and a fee."""
    offer = with_fee(with_bonus(an_offer(), (10_000, 1_000)), minor=119)
    return a_priced_reseller(offer=offer)


def a_credit_world(reseller: Tenant) -> CreditWorld:
    """A wallet with bonus, fee, adjustment and a charge written off; another that owes."""
    own_funds(reseller, 2_000)
    wallet = a_wallet(10_000, reseller=reseller)
    lot = lots_of(wallet)[0]
    contract = a_contract(wallet, starts_at=now() - timedelta(hours=1))
    charge_due_fees(scope_of(reseller), now=now())
    mixed = charge(wallet, "700")
    reversed_charge = charge(wallet, "150")
    reversal = reverse(reseller.id, reversed_charge.id)
    adjustment = adjust(wallet, 250)
    give(wallet, 300, as_bonus=True, expires_at=now() + timedelta(days=9))
    cap(wallet, 90_000)
    owing = a_wallet(500, reseller=reseller)
    allow_grace(owing, 900)
    plain = charge(owing, "800")
    return CreditWorld(
        credit_book=reseller.id,
        credit_wallet=wallet.id,
        credit_account=wallet.account_id,
        lot=lot.id,
        lot_account=lot.account_id,
        fee_entry=_fee_entry(wallet),
        contract=contract.id,
        adjustment_entry=adjustment.entry_id,
        mixed_entry=mixed.id,
        plain_entry=plain.id,
        owing_wallet=owing.id,
        reversal_entry=reversal.reversal_id,
        receivable=ledger.account_id(
            reseller.id, ledger.AccountName("receivable", owing.id, "EUR")
        ),
        own_account=ledger.account_id(reseller.id, own_balance_account(reseller.id, "EUR")),
    )


def _fee_entry(wallet: Wallet) -> UUID:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        page = billing.wallet_history(session, scope, wallet=wallet)
    return next(line.id for line in page.rows if line.kind == "fee")


_OF = "WHERE reseller_id = '{{credit_book}}' AND {column} = '{{{name}}}'"


def _of(column: str, name: str) -> str:
    return _OF.format(column=column, name=name)


IN_CREDITS = (
    Plant(
        "usage-payers",
        (f"UPDATE usage_records SET rating = NULL {_of('entry_id', 'mixed_entry')}",),
        "mixed_entry",
    ),
    Plant(
        "usage-payers",
        (
            (
                "UPDATE usage_records SET rating = rating || '{{\"owed\": 299}}'"
                f" {_of('entry_id', 'plain_entry')}"
            ),
        ),
        "plain_entry",
    ),
    Plant(
        # Another wallet's lot paid.
        "usage-gross",
        (f"UPDATE bonus_lots SET wallet_id = '{{owing_wallet}}' {_of('id', 'lot')}",),
        "mixed_entry",
    ),
    Plant(
        "usage-tax",
        (
            (
                "UPDATE ledger_transfers SET amount = amount + 1 WHERE entry_id = '{mixed_entry}'"
                " AND credit_id IN (SELECT id FROM ledger_accounts WHERE kind = 'promotion')"
            ),
        ),
        "mixed_entry",
    ),
    Plant("lot-has-account", (f"DELETE FROM bonus_lots {_of('id', 'lot')}",), "lot_account"),
    Plant(
        "lot-has-account",
        ("UPDATE ledger_accounts SET currency = 'USD' WHERE id = '{lot_account}'",),
        "lot",
    ),
    Plant(
        "lot-adds-up",
        (f"UPDATE bonus_lots SET granted_minor = granted_minor + 1 {_of('id', 'lot')}",),
        "lot",
    ),
    Plant(
        "lot-adds-up",
        ("UPDATE ledger_balances SET posted = posted + 1 WHERE account_id = '{lot_account}'",),
        "lot",
    ),
    Plant("lot-adds-up", (f"UPDATE bonus_lots SET state = 'spent' {_of('id', 'lot')}",), "lot"),
    Plant(
        "lot-has-care",
        (f"UPDATE wallets SET needs_care = false {_of('id', 'credit_wallet')}",),
        "credit_wallet",
    ),
    Plant(
        "receivable-has-wallet",
        (f"UPDATE wallets SET receivable_account_id = NULL {_of('id', 'owing_wallet')}",),
        "owing_wallet",
    ),
    Plant(
        "receivable-has-wallet",
        ("UPDATE ledger_balances SET posted = 1 WHERE account_id = '{receivable}'",),
        "owing_wallet",
    ),
    Plant(
        "own-balance-has-owner",
        ("UPDATE ledger_accounts SET owner_id = '{lot}' WHERE id = '{own_account}'",),
        "own_account",
    ),
    Plant(
        "fee-has-entry", (f"DELETE FROM fee_records {_of('entry_id', 'fee_entry')}",), "fee_entry"
    ),
    Plant(
        "fee-has-entry",
        (f"UPDATE fee_records SET n = 7 {_of('entry_id', 'fee_entry')}",),
        "fee_entry",
    ),
    Plant(
        "fee-shares",
        (
            (
                "UPDATE fee_records SET gross_minor = gross_minor + 1, net_minor = net_minor + 1"
                f" {_of('entry_id', 'fee_entry')}"
            ),
        ),
        "fee_entry",
    ),
    Plant(
        "fee-shares",
        (f"UPDATE fee_records SET bonus_minor = 0 {_of('entry_id', 'fee_entry')}",),
        "fee_entry",
    ),
    Plant(
        "contract-periods",
        (f"UPDATE contracts SET periods = periods + 1 {_of('id', 'contract')}",),
        "contract",
    ),
    Plant(
        "contract-periods",
        (f"DELETE FROM fee_charges {_of('contract_id', 'contract')}",),
        "contract",
    ),
    Plant(
        "adjustment-has-entry",
        (f"DELETE FROM adjustments {_of('entry_id', 'adjustment_entry')}",),
        "adjustment_entry",
    ),
    Plant(
        "adjustment-has-entry",
        (
            (
                "UPDATE adjustments SET amount_minor = amount_minor + 1"
                f" {_of('entry_id', 'adjustment_entry')}"
            ),
        ),
        "adjustment_entry",
    ),
    Plant(
        "reversal-mirrors",
        (f"DELETE FROM reversals {_of('reversal_id', 'reversal_entry')}",),
        "reversal_entry",
    ),
    Plant(
        "reversal-mirrors",
        (
            (
                "UPDATE ledger_transfers SET amount = amount + 1"
                " WHERE entry_id = '{reversal_entry}' AND n = 1"
            ),
        ),
        "reversal_entry",
    ),
    Plant(
        "reversal-mirrors",
        (
            (
                "UPDATE reversals SET entry_id = '{mixed_entry}'"
                f" {_of('reversal_id', 'reversal_entry')}"
            ),
        ),
        "reversal_entry",
    ),
)
