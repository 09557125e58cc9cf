"""Which accounts a reseller's book has, and what each kind of entry moves between them.

The kinds and the rules which may meet are rows of the ledger (migrations 0002 and later).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app import commissions, ledger, pricing
from app.billing.spending import PayeeAccounts
from app.kernel import Money
from app.ledger import AccountName, TransferDraft
from app.tenancy import PLATFORM_ID

WALLET = "wallet"
CLEARING = "clearing"
TAX_PAYABLE = "tax_payable"
TAX_PREPAID = "tax_prepaid"
COMMISSION = commissions.COMMISSION
REVENUE = commissions.REVENUE
# What the platform gives away: bonus credit, bonuses of commission.
PROMOTION = "promotion"
BONUS = "bonus"
RECEIVABLE = "receivable"
# What the platform gives or takes by hand; a reseller's own money in her own book.
ADJUSTMENT = "adjustment"
OWN_BALANCE = "reseller_balance"
# The tax within what bonus paid that a reseller gave: hers, and back in her own balance before she
# gives again. Never locked, as charges share it.
GIFT_RELIEF = "gift_relief"

# Stands for the account of the customer's wallet, which `charge_usage` finds in the database.
PAYING_WALLET = UUID(int=0)

USAGE = "usage"
TOP_UP = "top_up"
TRUE_UP = "commission_true_up"
COMMISSION_BONUS = "commission_bonus"
ADJUSTED = "adjustment"
FUNDING = "funding"
CREDIT = "credit"
FEE = "fee"
BONUS_EXPIRY = "bonus_expiry"
REVERSAL = "reversal"
RELIEF = "relief"


def platform_account(kind: str, currency: str) -> AccountName:
    """Return the name of an account whose money is the platform's: revenue, tax, clearing."""
    return AccountName(kind, PLATFORM_ID, currency)


def book_accounts(path: Sequence[UUID], currency: str) -> list[AccountName]:
    """Return every shared account of a book: the platform's and one per reseller of the chain."""
    shared = [CLEARING, TAX_PAYABLE, TAX_PREPAID, REVENUE, PROMOTION]
    return [
        *(platform_account(kind, currency) for kind in shared),
        *(AccountName(COMMISSION, beneficiary, currency) for beneficiary in path),
    ]


def tax_account(purpose: pricing.CreditPurpose) -> str:
    """Return where a charge's tax share goes.

    With single-purpose credit the tax fell due at the top-up and was prepaid then; with
    multi-purpose credit it falls due now (§ 3 (13)-(15) UStG).
    """
    return TAX_PREPAID if purpose is pricing.CreditPurpose.SINGLE else TAX_PAYABLE


def payee_accounts(
    book_id: UUID,
    currency: str,
    purpose: pricing.CreditPurpose,
    shares: Sequence[commissions.Term],
) -> PayeeAccounts:
    """Return the accounts that charges of an offer and these shares credit."""

    def of_platform(kind: str) -> UUID:
        return ledger.account_id(book_id, platform_account(kind, currency))

    return PayeeAccounts(
        tax=of_platform(tax_account(purpose)),
        commissions=tuple(
            ledger.account_id(book_id, AccountName(COMMISSION, term.beneficiary_id, currency))
            for term in shares
        ),
        revenue=of_platform(REVENUE),
        promotion=of_platform(PROMOTION),
        gift_relief=ledger.account_id(book_id, gift_relief_account(book_id, currency)),
    )


def own_balance_account(reseller_id: UUID, currency: str) -> AccountName:
    """Return the name of the account of a reseller's own money."""
    return AccountName(OWN_BALANCE, reseller_id, currency)


def gift_relief_account(reseller_id: UUID, currency: str) -> AccountName:
    """Return the name of the account that takes the tax which a reseller's gifts do not owe."""
    return AccountName(GIFT_RELIEF, reseller_id, currency)


def tax_transfers(book_id: UUID, tax: Money) -> list[TransferDraft]:
    """Return the transfer of tax that falls due with credit; below zero, of tax given back."""
    prepaid, payable = (
        ledger.account_id(book_id, platform_account(kind, tax.currency))
        for kind in (TAX_PREPAID, TAX_PAYABLE)
    )
    if tax.minor < 0:
        return [TransferDraft(payable, prepaid, -tax)]
    return [TransferDraft(prepaid, payable, tax)] if tax else []
