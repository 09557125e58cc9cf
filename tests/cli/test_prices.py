"""Price plans at the command line, each through its use case."""

from decimal import Decimal

import pytest

from app.billing.terms import read_terms
from app.kernel import Money, now, transaction
from app.kernel.clock import BUSINESS_ZONE
from app.pricing import BonusStep, Increment, Plan, Tariff, get_plan
from app.tenancy import PlatformScope
from tests.cli.conftest import Operator
from tests.factories import scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import METER, a_priced_reseller, an_offer, some_steps

SCOPE = PlatformScope()


def _plan(slug: str) -> Plan:
    with transaction(SCOPE) as session:
        return get_plan(session, SCOPE, slug=slug, at=now())


def test_a_meter_is_added_and_listed(operator: Operator) -> None:
    name = unique("meter")

    added = operator.runs("meter", "add", name, "--unit", "minute", "--parts", "60")
    listed = operator.runs("meter", "list")

    assert added.exit_code == 0, added.output
    (line,) = [line for line in listed.output.splitlines() if name in line]
    assert line.split() == [name, "minute", "60"]


def test_a_price_is_set_with_all_its_parts_and_shown(operator: Operator) -> None:
    slug = an_offer().slug

    result = operator.runs(
        "offer", "price-set", slug, METER, "0.19", "--increment", "60/1", "--minimum", "0.05",
        "--allowance", "100", "--step", "5000:0.12", "--step", "1000:0.15", "--floor", "0.11",
        "--from", "2026-01-01",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    (price,) = _plan(slug).prices
    assert (price.unit_price, price.increment) == (Decimal("0.19"), Increment(60, 1))
    assert (price.minimum, price.allowance) == (Decimal("0.05"), Decimal(100))
    assert price.steps == some_steps(("1000", "0.15"), ("5000", "0.12"))
    assert price.floor_price == Decimal("0.11")
    assert price.valid_from.astimezone(BUSINESS_ZONE).isoformat() == "2026-01-01T00:00:00+01:00"
    shown = operator.runs("offer", "show", slug).output
    assert [each in shown for each in ("0.19", "60/1", "1000:0.15", "2026-01-01 00:00:00")] == [
        True
    ] * 4
    assert "60/1" not in operator.runs("offer", "show", slug, "--at", "2025-12-31").output


def test_fees_and_bonus_steps_are_set_ended_and_shown(operator: Operator) -> None:
    slug = an_offer().slug

    for arguments in (
        ("fee-set", slug, "base", "9.90", "--name", "Grundgebühr", "--months", "3"),
        ("bonus-set", slug, "--step", "250:30:365", "--step", "100:10"),
    ):
        result = operator.runs("offer", *arguments)
        assert result.exit_code == 0, result.output

    plan = _plan(slug)
    assert (plan.fees[0].amount, plan.fees[0].months) == (Money(990, "EUR"), 3)
    assert plan.bonus_steps == (
        BonusStep(Money(10_000, "EUR"), Money(1_000, "EUR")),
        BonusStep(Money(25_000, "EUR"), Money(3_000, "EUR"), 365),
    )
    shown = operator.runs("offer", "show", slug).output
    assert [each in shown for each in ("Grundgebühr", "9.90", "250.00", "365", "never")] == [
        True
    ] * 5
    assert operator.runs("offer", "bonus-set", slug, "--none").exit_code == 0
    assert _plan(slug).bonus_steps == ()


def test_a_reseller_asks_her_own_price_and_the_plans_again(operator: Operator) -> None:
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.19", floor="0.12"))

    asked = operator.runs("reseller", "price-set", reseller.slug, METER, "0.25", "--step", "9:0.2")

    def tariff() -> Tariff:
        scope = scope_of(reseller)
        with transaction(scope) as session:
            return read_terms(session, scope, METER, now(), booked_at=now()).tariff

    assert asked.exit_code == 0, asked.output
    assert (tariff().unit_price, tariff().steps) == (Decimal("0.25"), some_steps(("9", "0.2")))
    assert operator.runs("reseller", "price-set", reseller.slug, METER, "plan").exit_code == 0
    assert (tariff().unit_price, tariff().steps) == (Decimal("0.19"), ())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("offer", "price-set", "{offer}", METER, "cheap"), "cheap is no number"),
        (("offer", "price-set", "{offer}", METER, "1", "--increment", "60"), "write it as 60/1"),
        (("offer", "price-set", "{offer}", METER, "1", "--step", "60"), "write it as 1000:0.15"),
        (("offer", "price-set", "{offer}", METER, "1", "--from", "soon"), "soon"),
        (("offer", "price-set", "{offer}", METER, "1", "--floor", "2"), "[pricing.below_floor]"),
        (("offer", "price-set", "{offer}", "none", "1"), "[pricing.unknown_meter]"),
        (("offer", "fee-set", "{offer}", "base", "0.001", "--name", "B"), "no amount of EUR"),
        (("offer", "fee-set", "{offer}", "base", "NaN", "--name", "B"), "no amount of EUR"),
        (("offer", "bonus-set", "{offer}"), "Give steps, or --none."),
        (("offer", "bonus-set", "{offer}", "--step", "100"), "write it as 100:10"),
        (("offer", "bonus-set", "{offer}", "--step", "100:10:x"), "write it as 100:10"),
        (("offer", "show", "nobodys"), "[pricing.unknown_offer]"),
        (("reseller", "price-set", "{reseller}", METER, "0.11"), "at least 0.12"),
        (
            ("reseller", "price-set", "{reseller}", METER, "1", "--from", "2020-01-01"),
            "[pricing.past_date]",
        ),
    ],
)
def test_what_makes_no_sense_is_said_and_leaves_no_row(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    offer = an_offer(unit_price="0.19", floor="0.12")
    reseller = a_priced_reseller(offer=offer)
    owner_url = operator.environment["DATABASE_OWNER_URL"] or ""
    before = rows_of_all_tables(owner_url)

    result = operator.runs(
        *(each.format(offer=offer.slug, reseller=reseller.slug) for each in arguments)
    )

    assert result.exit_code == 2
    assert said in result.output
    assert rows_of_all_tables(owner_url) == before
