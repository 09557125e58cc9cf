"""Credit, limits, contracts and reversals at the command line, each through its use case."""

import re

import pytest

from app.billing import Wallet
from app.identity import get_customer
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant, list_resellers
from tests.cli.conftest import Operator
from tests.factories.credits import (
    adjust,
    credit_of,
    figures,
    own_balance_of,
    own_funds,
    with_fee,
)
from tests.factories.money import (
    a_chain,
    a_wallet,
    an_offer,
    charge,
    funds_of,
    scope_of_wallet,
)


def _number(wallet: Wallet) -> str:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return get_customer(session, scope, customer_id=wallet.customer_id).number


def _reseller(wallet: Wallet) -> Tenant:
    scope = PlatformScope()
    with transaction(scope) as session:
        tenants = list_resellers(session, scope)
    return next(tenant for tenant in tenants if tenant.id == wallet.reseller_id)


def _runs(operator: Operator, command: str, wallet: Wallet, *arguments: str) -> str:
    slug = _reseller(wallet).slug
    result = operator.runs("customer", command, *arguments, "--reseller", slug)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_platform_gives_and_takes_credit_once_for_each_key(operator: Operator) -> None:
    wallet = a_wallet(500)
    number = _number(wallet)
    asked = (number, "--amount", "5.50", "--reason", "Outage", "--key", "ticket-7")

    said = [_runs(operator, "adjust", wallet, *asked) for _ in range(2)]
    _runs(operator, "adjust", wallet, number, "--amount", "-1", "--reason", "Too much")

    assert said == ["Paid credit 10.50 EUR, bonus 0.00 EUR\n"] * 2
    assert funds_of(wallet) == 950


def test_an_amount_finer_than_a_cent_is_refused(operator: Operator) -> None:
    wallet = a_wallet(500)
    slug, number = _reseller(wallet).slug, _number(wallet)

    for amount in ("0.001", "NaN", "Infinity", "much"):
        result = operator.runs(
            "customer", "adjust", number, "--reseller", slug, "--amount", amount, "--reason", "Why"
        )

        assert result.exit_code == 2, amount

    assert funds_of(wallet) == 500


def test_a_refusal_is_one_line_with_its_code(operator: Operator) -> None:
    wallet = a_wallet(500)
    slug, number = _reseller(wallet).slug, _number(wallet)

    result = operator.runs(
        "customer", "credit", number, "--reseller", slug, "--amount", "1", "--reason", "Welcome"
    )

    assert result.exit_code == 2
    assert "[billing.own_balance_too_low]" in result.output
    assert funds_of(wallet) == 500


def test_a_reseller_gives_paid_and_bonus_credit_from_her_own_balance(operator: Operator) -> None:
    wallet = a_wallet(500)
    own_funds(_reseller(wallet), 2_000)
    number = _number(wallet)

    _runs(operator, "credit", wallet, number, "--amount", "5", "--reason", "Welcome")
    said = _runs(
        operator, "credit", wallet, number, "--amount", "3", "--reason", "Welcome",
        "--bonus", "--expires", "2099-01-01",
    )  # fmt: skip

    assert said == "Paid credit 10.00 EUR, bonus 3.00 EUR\n"
    # Midnight in Berlin.
    assert [str(lot.expires_at) for lot in credit_of(wallet).lots] == ["2098-12-31 23:00:00+00:00"]
    assert own_balance_of(wallet.reseller_id)[0] == 1_200


def test_commission_becomes_own_balance(operator: Operator) -> None:
    reseller = a_chain(1, offer=an_offer(tax_rate="0"))[0]
    charge(a_wallet(1_000, reseller=reseller), "1000")

    funded = operator.runs("reseller", "fund-from-commission", reseller.slug, "--amount", "1")
    said = operator.runs("reseller", "balance", reseller.slug)
    refused = operator.runs("reseller", "fund-from-commission", reseller.slug, "--amount", "9")

    assert funded.output == said.output == "Own balance 1.00 EUR, commission 1.50 EUR\n"
    assert refused.exit_code == 2
    assert "[billing.commission_too_low]" in refused.output


def test_grace_is_allowed_to_one_customer_or_to_all_new_ones(operator: Operator) -> None:
    wallet = a_wallet(0)

    one = _runs(operator, "grace", wallet, _number(wallet), "--limit", "2")
    _runs(operator, "grace", wallet, "--limit", "1")
    new = a_wallet(0, reseller=_reseller(wallet))

    assert one == "Up to 2.00 EUR may be owed.\n"
    assert (charge(wallet, "200").facts.owed, charge(new, "100").facts.owed) == (200, 100)


def test_caps_are_set_listed_and_removed(operator: Operator) -> None:
    wallet = a_wallet(500)
    number = _number(wallet)
    _runs(operator, "cap", wallet, number, "--limit", "4")
    charge(wallet, "150")

    listed = _runs(operator, "cap", wallet, number, "--subject", "line:77", "--limit", "1")
    removed = _runs(operator, "cap", wallet, number, "--remove")

    assert listed.splitlines() == [
        "all: 1.50 EUR of 4.00 EUR this month",
        "line:77: 0.00 EUR of 1.00 EUR this month",
    ]
    assert removed == "line:77: 0.00 EUR of 1.00 EUR this month\n"


def test_a_customer_is_made_postpaid_and_prepaid_again(operator: Operator) -> None:
    wallet = a_wallet(500)
    number = _number(wallet)

    _runs(operator, "postpaid", wallet, number, "--limit", "10")
    charge(wallet, "900")
    refused = operator.runs("customer", "prepaid", number, "--reseller", _reseller(wallet).slug)
    adjust(wallet, 400)
    said = _runs(operator, "prepaid", wallet, number)

    assert "[billing.limit_below_debt]" in refused.output
    assert said == f"{number} pays ahead.\n"
    assert credit_of(wallet).available.minor == 0


def test_a_contract_is_opened_charged_ended_and_a_fee_written_off(operator: Operator) -> None:
    reseller = a_chain(1, offer=with_fee(an_offer()))[0]
    wallet = a_wallet(500, reseller=reseller)
    number = _number(wallet)

    contract = _runs(
        operator, "contract-open", wallet, number, "--fee", "number", "--quantity", "2"
    ).strip()
    charged = operator.runs("billing", "charge-fees", "--reseller", reseller.slug)
    _runs(operator, "contract-end", wallet, contract)
    again = operator.runs("billing", "charge-fees")

    assert "1 charged, 0 still due." in charged.output
    assert again.exit_code == 0, again.output
    assert funds_of(wallet) == 500 - 2 * 119


def test_a_charge_is_written_off(operator: Operator) -> None:
    wallet = a_wallet(500)
    made = charge(wallet, "200")

    said = _runs(operator, "reverse", wallet, str(made.id), "--reason", "Never connected")

    assert re.fullmatch(r"Written off by [0-9a-f-]{36}\.\n", said)
    assert figures(wallet) == (500, 0, 0)


@pytest.mark.parametrize(
    "command",
    [
        "customer adjust", "customer credit", "customer cap", "customer grace",
        "customer postpaid", "customer prepaid", "customer contract-open",
        "customer contract-end", "customer reverse", "reseller fund-from-commission",
        "reseller balance", "billing charge-fees",
    ],
)  # fmt: skip
def test_every_command_shows_an_example(operator: Operator, command: str) -> None:
    result = operator.runs(*command.split(), "--help")

    assert result.exit_code == 0
    assert f"kontor {command}" in result.output


@pytest.fixture(autouse=True)
def _connected(operator: Operator) -> None:
    """Let factories and commands work on the same database."""
