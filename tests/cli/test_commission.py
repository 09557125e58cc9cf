"""Commission, bonuses and month ends at the command line."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.commissions import Agreement, Basis, BonusKind, Step, agreements_of, bonus_terms
from app.kernel import Money, now, transaction
from app.tenancy import Tenant, TenantScope
from tests.cli.conftest import Operator
from tests.factories import a_reseller
from tests.factories.months import this_month


def agreed(reseller: Tenant) -> dict[datetime, Agreement]:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return agreements_of(session, scope)


def test_an_agreement_with_steps_holds_from_midnight_in_berlin(operator: Operator) -> None:
    reseller = a_reseller()

    result = operator.runs(
        "reseller", "commission", reseller.slug, "--rate", "0.25", "--step", "5000:0.275",
        "--step", "20000:0.325", "--basis", "whole", "--from", "2036-07-01",
    )  # fmt: skip

    steps = (Step(500_000, Decimal("0.275")), Step(2_000_000, Decimal("0.325")))
    assert result.exit_code == 0, result.output
    assert agreed(reseller) == {
        datetime(2036, 6, 30, 22, tzinfo=UTC): Agreement(Decimal("0.25"), steps, Basis.WHOLE)
    }


@pytest.mark.parametrize(
    "wrong",
    [
        ("--step", "5000"),
        ("--step", "5000.001:0.3"),
        ("--step", "x:0.3"),
        ("--from", "July"),
        ("--step", "5000:0.2"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused_and_not_written(
    operator: Operator, wrong: tuple[str, str]
) -> None:
    reseller = a_reseller()

    result = operator.runs("reseller", "commission", reseller.slug, "--rate", "0.25", *wrong)

    assert result.exit_code == 2
    assert agreed(reseller) == {}


def test_a_bonus_is_agreed(operator: Operator) -> None:
    reseller = a_reseller()

    result = operator.runs(
        "reseller", "bonus", reseller.slug, "--kind", "high_usage", "--amount", "2.50",
        "--threshold", "250",
    )  # fmt: skip

    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        terms = bonus_terms(session, scope, kind=BonusKind.HIGH_USAGE, currency="EUR", at=now())
    assert result.exit_code == 0, result.output
    assert terms is not None
    assert (terms.amount, terms.threshold) == (Money(250, "EUR"), Money(25_000, "EUR"))


@pytest.mark.parametrize("named", [True, False])
def test_a_bonus_is_for_one_reseller_or_for_everybody(operator: Operator, named: bool) -> None:  # noqa: FBT001
    who = (a_reseller().slug, "--everybody") if named else ()

    result = operator.runs("reseller", "bonus", *who, "--kind", "new_customer", "--amount", "5")

    assert result.exit_code == 2


def test_a_month_that_is_not_over_is_refused_with_its_code(operator: Operator) -> None:
    result = operator.runs("billing", "close-month", f"{this_month():%Y-%m}")

    assert result.exit_code == 2
    assert "[commissions.month_not_over]" in result.output


def test_a_month_is_closed_and_closing_it_again_says_so(operator: Operator) -> None:
    # Long before anything was booked, so that nothing of other tests is touched.
    first = operator.runs("billing", "close-month", "2019-01")
    again = operator.runs("billing", "close-month", "2019-01")

    assert first.exit_code == 0, first.output
    assert "2019-01" in first.output
    assert "was closed before" in again.output


def test_what_is_no_month_is_refused(operator: Operator) -> None:
    assert operator.runs("billing", "close-month", "June").exit_code == 2
