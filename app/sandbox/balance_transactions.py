"""Balance transactions: what a charge or refund adds to the account, less Stripe's fee."""

from app.sandbox import listing
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params
from app.sandbox.store import Transaction

# A stand-in for the price list: 1.5 % and 25 cents.
_FEE_BASIS_POINTS, _FEE_FIXED = 150, 25
_DAYS_UNTIL_AVAILABLE = 7


def for_charge(tx: Transaction, charge: Json) -> Json:
    """Record the income of a charge and its fee."""
    fee = (charge["amount"] * _FEE_BASIS_POINTS + 5_000) // 10_000 + _FEE_FIXED
    return _record(tx, charge, kind="charge", amount=charge["amount"], fee=fee)


def for_refund(tx: Transaction, refund: Json) -> Json:
    """Record what a refund takes; the fee of the charge is not returned."""
    return _record(tx, refund, kind="refund", amount=-refund["amount"], fee=0)


def retrieve(tx: Transaction, params: Params, transaction_id: str) -> Json:
    """Return one balance transaction."""
    params.only()
    return tx.get("balance_transaction", transaction_id)


def list_transactions(tx: Transaction, params: Params) -> Json:
    """Return balance transactions, also of one source or type."""
    params.only(*listing.PAGING, "created", "source", "type", "currency")
    equal = {name: params.text(name) for name in ("source", "type", "currency")}
    url = "/v1/balance_transactions"
    return listing.page(tx, params, "balance_transaction", url, equal=equal)


def _record(tx: Transaction, source: Json, *, kind: str, amount: int, fee: int) -> Json:
    detail = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return tx.save(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": tx.timestamp + _DAYS_UNTIL_AVAILABLE * 86_400,
            "balance_type": "payments",
            "created": tx.timestamp,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [detail] if fee else [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )
