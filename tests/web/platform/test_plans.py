"""Meters and plans on the platform's pages."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from app.kernel import Money, now, transaction
from app.pricing import Increment, Plan, Step, add_meter, get_plan, list_meters, set_price
from app.tenancy import PlatformScope
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_reseller, a_staff_user, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import METER, an_offer
from tests.web.portals import a_stranger, cost_of, is_turned_away, staff_of, text_of

PLATFORM = PlatformScope()
PLANS = "/admin/plans"


def plan_of(slug: str) -> Plan:
    with transaction(PLATFORM) as session:
        return get_plan(session, PLATFORM, slug=slug, at=now() + timedelta(seconds=1))


def test_nobody_but_an_admin_sees_prices(app: Flask) -> None:
    slug = an_offer().slug
    reseller = a_reseller()

    pages = [a_stranger(app).get(path) for path in (PLANS, f"{PLANS}/{slug}")]
    elsewhere = staff_of(app, reseller).get(PLANS)
    a_member_here = a_stranger(app)
    a_member_here.sign_in(a_staff_user(reseller).email, at="/admin/login")

    assert all(is_turned_away(page) for page in pages)
    assert elsewhere.status_code == 404
    assert is_turned_away(a_member_here.get(PLANS))


def test_a_meter_and_a_plan_are_added_and_listed(admin: Browser) -> None:
    slug, meter = unique("plan"), unique("meter")

    added = [
        admin.post(PLANS, {"form": "meter", "meter": meter, "unit": "minute", "parts": "60"}),
        admin.post(
            PLANS,
            {"form": "plan", "slug": slug, "currency": "EUR", "tax_rate": "19,0",
             "credit_purpose": "single"},
        ),
    ]  # fmt: skip
    shown = text_of(admin.get(PLANS))

    assert [page.status_code for page in added] == [303, 303]
    assert slug in shown
    assert meter in shown
    assert (plan_of(slug).tax_rate, plan_of(slug).currency) == (Decimal("0.19"), "EUR")
    with transaction(PLATFORM) as session:
        found = {each.meter: each.parts for each in list_meters(session, PLATFORM)}
    assert found[meter] == 60


@pytest.mark.parametrize(
    "form",
    [
        {"form": "meter", "meter": "Call Minutes", "unit": "minute", "parts": ""},
        {"form": "meter", "meter": "calls", "unit": "call", "parts": "many"},
        {"form": "meter", "meter": "calls", "unit": "", "parts": ""},
        {"form": "plan", "slug": "a b", "currency": "EUR", "tax_rate": "19",
         "credit_purpose": "single"},
        {"form": "plan", "slug": "fine", "currency": "XYZ", "tax_rate": "19",
         "credit_purpose": "single"},
        {"form": "plan", "slug": "fine", "currency": "EUR", "tax_rate": "100",
         "credit_purpose": "single"},
        {"form": "plan", "slug": "fine", "currency": "EUR", "tax_rate": "19",
         "credit_purpose": "often"},
    ],
)  # fmt: skip
def test_what_cannot_be_sold_is_refused_beside_its_form(
    admin: Browser, connected: Database, form: dict[str, str]
) -> None:
    before = rows_of_all_tables(connected.owner_url)

    page = admin.post(PLANS, form)

    assert page.status_code == 422
    assert "form__next" not in page.location if page.location else True
    html = page.get_data(as_text=True)
    assert f'id="{form["form"]}" open' in html
    typed = form.get("slug", form.get("meter", ""))
    assert f'value="{typed}"' in html
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_plans_name_is_taken_once(admin: Browser) -> None:
    slug = an_offer().slug

    page = admin.post(
        PLANS,
        {"form": "plan", "slug": slug, "currency": "EUR", "tax_rate": "19",
         "credit_purpose": "single"},
    )  # fmt: skip

    assert page.status_code == 409
    assert "Diesen Tarif gibt es schon" in text_of(page)


def test_a_price_is_set_with_all_that_it_is_rated_by(admin: Browser) -> None:
    # A meter of its own: others price theirs by increments, which fixes its parts.
    meter = unique("calls")
    offer = an_offer(meter=meter, parts=60)

    page = admin.post(
        f"{PLANS}/{offer.slug}",
        {
            "form": "price", "meter": meter, "unit_price": "0,19", "increment": "60/1",
            "minimum": "0,05", "allowance": "100", "floor_price": "0,10", "valid_from": "",
            "above": ["1000", "", "5000"], "step_price": ["0,17", "", "0.15"],
        },
    )  # fmt: skip
    price = plan_of(offer.slug).prices[0]
    shown = text_of(admin.get(f"{PLANS}/{offer.slug}"))

    assert page.status_code == 303
    assert (price.unit_price, price.increment) == (Decimal("0.19"), Increment(60, 1))
    assert (price.minimum, price.allowance) == (Decimal("0.05"), Decimal(100))
    assert price.floor_price == Decimal("0.10")
    assert price.steps == (
        Step(Decimal(1000), Decimal("0.17")),
        Step(Decimal(5000), Decimal("0.15")),
    )
    for words in ("0,19 €", "60/1", "0,05 €", "100", "über 1.000: 0,17 €"):
        assert words in shown


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("unit_price", ""),
        ("unit_price", "1.234,50"),
        ("unit_price", "0,1234567"),
        ("unit_price", "-1"),
        ("unit_price", "NaN"),
        ("increment", "60"),
        ("increment", "0/1"),
        ("minimum", "x"),
        ("allowance", "1.500"),
        ("floor_price", "0,20"),
        ("valid_from", "soon"),
        ("meter", "nothing"),
        ("above", "1000"),
    ],
)
def test_a_price_that_cannot_hold_is_refused_and_kept_in_the_form(
    admin: Browser, connected: Database, field: str, typed: str
) -> None:
    slug = an_offer().slug
    before = rows_of_all_tables(connected.owner_url)
    form = {"form": "price", "meter": METER, "unit_price": "0,19", "step_price": ""}

    page = admin.post(f"{PLANS}/{slug}", {**form, field: typed})

    assert page.status_code in {404, 422}
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_date_that_has_a_price_is_refused(admin: Browser) -> None:
    slug = an_offer().slug
    form = {"form": "price", "meter": METER, "unit_price": "0.19", "valid_from": "2031-05-01"}
    admin.post(f"{PLANS}/{slug}", form)

    again = admin.post(f"{PLANS}/{slug}", {**form, "unit_price": "0.21"})

    assert again.status_code == 409
    assert "beginnt bereits etwas" in text_of(again)


def test_a_plan_is_shown_as_of_a_day(admin: Browser) -> None:
    slug = an_offer().slug
    form = {"form": "price", "meter": METER, "unit_price": "0.77", "valid_from": "2031-05-01"}
    admin.post(f"{PLANS}/{slug}", form)

    before, on_the_day = (
        text_of(admin.get(f"{PLANS}/{slug}?at={day}")).partition("Alle Preise")[0]
        for day in ("2031-04-30", "2031-05-01")
    )

    assert "0,77 €" not in before
    assert "0,77 €" in on_the_day


def test_fees_and_bonus_steps_are_set(admin: Browser) -> None:
    slug = an_offer().slug

    admin.post(
        f"{PLANS}/{slug}",
        {"form": "fee", "fee": "base", "name": "Grundgebühr", "amount": "9,90", "months": "1"},
    )
    admin.post(
        f"{PLANS}/{slug}",
        {"form": "bonus", "least": ["100", ""], "bonus": ["10", ""], "days": "365"},
    )
    plan, shown = plan_of(slug), text_of(admin.get(f"{PLANS}/{slug}"))

    assert [(fee.name, fee.amount) for fee in plan.fees] == [("Grundgebühr", Money(990, "EUR"))]
    assert [tuple(step) for step in plan.bonus_steps] == [
        (Money(10_000, "EUR"), Money(1_000, "EUR"), 365)
    ]
    for words in ("Grundgebühr", "9,90 €", "jeden Monat", "100,00 €", "10,00 €", "365 Tage"):
        assert words in shown


def test_a_half_filled_step_is_refused(admin: Browser) -> None:
    slug = an_offer().slug

    page = admin.post(f"{PLANS}/{slug}", {"form": "bonus", "least": ["100"], "bonus": [""]})

    assert page.status_code == 422
    assert plan_of(slug).bonus_steps == ()


def test_pages_of_plans_take_as_many_queries_for_many_as_for_one(admin: Browser) -> None:
    slug = an_offer().slug
    few = (cost_of(admin, PLANS), cost_of(admin, f"{PLANS}/{slug}"))

    for number in range(3):
        meter = unique("meter")
        an_offer()
        with transaction(PLATFORM) as session:
            add_meter(session, PLATFORM, meter=meter, unit="minute")
            set_price(
                session, PLATFORM, offer_id=get_plan(session, PLATFORM, slug=slug, at=now()).id,
                meter=meter, unit_price=Decimal(number), valid_from=now(),
            )  # fmt: skip
    many = (cost_of(admin, PLANS), cost_of(admin, f"{PLANS}/{slug}"))

    assert many == few


def test_an_unknown_plan_is_not_found(admin: Browser) -> None:
    assert admin.get(f"{PLANS}/nothing-of-ours").status_code == 404
    assert admin.post(f"{PLANS}/nothing-of-ours", {"form": "fee"}, form_on=PLANS).status_code == 404


def test_a_form_that_does_not_exist_is_refused(admin: Browser) -> None:
    assert admin.post(PLANS, {"form": "reseller"}).status_code == 400
