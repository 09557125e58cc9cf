"""What the platform agrees with its resellers, month ends, wallets and keys."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from app import commissions, identity, pricing
from app.commissions import Basis, Step
from app.kernel import now, transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_reseller, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import a_priced_reseller, a_wallet, an_offer, funds_of
from tests.web.portals import a_stranger, cost_of, is_turned_away, staff_of, text_of

PLATFORM = PlatformScope()
RESELLERS, MONTHS, KEYS = "/admin/resellers", "/admin/months", "/admin/api-keys"


def agreement_of(reseller: Tenant) -> commissions.Agreement | None:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        agreed = commissions.agreements_of(session, scope)
        return commissions.agreed_at(agreed, now() + timedelta(seconds=1))


@pytest.mark.parametrize("path", ["/admin/", RESELLERS, MONTHS, KEYS, f"{RESELLERS}/x"])
def test_nobody_but_an_admin_sees_the_platforms_pages(app: Flask, path: str) -> None:
    reseller = a_reseller()

    assert is_turned_away(a_stranger(app).get(path))
    assert staff_of(app, reseller).get(path).status_code == 404


def test_a_commission_with_steps_is_agreed(admin: Browser) -> None:
    reseller = a_priced_reseller()
    path = f"{RESELLERS}/{reseller.slug}"

    page = admin.post(
        path,
        {"form": "agreement", "rate": "27,5", "basis": "marginal", "above": ["5000", ""],
         "step_rate": ["32,5", ""]},
    )  # fmt: skip
    shown = text_of(admin.get(path))

    assert page.status_code == 303
    assert agreement_of(reseller) == commissions.Agreement(
        Decimal("0.275"), (Step(500_000, Decimal("0.325")),), Basis.MARGINAL
    )
    for words in ("27,5 %", "über 5.000,00 €: 32,5 %", "Alle Vereinbarungen"):
        assert words in shown


@pytest.mark.parametrize(
    "form",
    [
        {"form": "agreement", "rate": "101", "basis": "marginal"},
        {"form": "agreement", "rate": "", "basis": "marginal"},
        {"form": "agreement", "rate": "25", "basis": "some"},
        {"form": "agreement", "rate": "25", "basis": "whole", "valid_from": "2019-05-01"},
        {"form": "agreement", "rate": "25", "basis": "whole", "above": "5", "step_rate": "10"},
        {"form": "plan", "plan": "nothing"},
        {"form": "bonus", "kind": "retention", "amount": "10"},
        {"form": "bonus", "kind": "high_usage", "amount": "10"},
        {"form": "bonus", "kind": "new_customer", "amount": "-5"},
        {"form": "bonus", "kind": "other", "amount": "5"},
    ],
)
def test_what_cannot_be_agreed_is_refused_beside_its_form(
    admin: Browser, connected: Database, form: dict[str, str]
) -> None:
    path = f"{RESELLERS}/{a_priced_reseller().slug}"
    admin.get(path)
    before = rows_of_all_tables(connected.owner_url)

    page = admin.post(path, form)

    assert page.status_code in {404, 409, 422}
    assert f'id="{form["form"]}" open' in page.get_data(as_text=True)
    assert rows_of_all_tables(connected.owner_url) == before


def test_another_plan_and_a_bonus_are_agreed(admin: Browser) -> None:
    reseller, offer = a_priced_reseller(), an_offer()
    path = f"{RESELLERS}/{reseller.slug}"

    sold = admin.post(path, {"form": "plan", "plan": offer.slug, "valid_from": "2031-01-01"})
    bonus = admin.post(path, {"form": "bonus", "kind": "retention", "amount": "10", "months": "3"})
    shown = text_of(admin.get(path))

    assert (sold.status_code, bonus.status_code) == (303, 303)
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        assert pricing.sold_offers(session, scope)[0][1] == offer.slug
    for words in (offer.slug, "kommt noch", "Treuer Kunde", "nach 3 Monaten Nutzung", "10,00 €"):
        assert words in shown, words


def test_an_unknown_reseller_is_not_found(admin: Browser) -> None:
    assert admin.get(f"{RESELLERS}/nobody-at-all").status_code == 404


def test_a_running_month_cannot_be_closed_and_no_month_means_nothing(
    admin: Browser, connected: Database
) -> None:
    this_month = f"{commissions.month_of(now()):%Y-%m}"
    admin.get(MONTHS)
    before = rows_of_all_tables(connected.owner_url)

    pages = [
        admin.post(MONTHS, {"form": "close", "month": month}, form_on=KEYS)
        for month in (this_month, "soon", "2099-01")
    ]

    assert [page.status_code for page in pages] == [409, 422, 409]
    assert "zwei Stunden nach seinem Ende" in text_of(pages[0])
    assert rows_of_all_tables(connected.owner_url) == before


def test_months_are_listed_with_their_state() -> None:
    with transaction(PLATFORM) as session:
        months = commissions.list_months(session, PLATFORM, now=now())
        later = commissions.list_months(session, PLATFORM, now=now() + timedelta(days=40))

    assert [each.month for each in months] == sorted((each.month for each in months), reverse=True)
    this_month = commissions.month_of(now())
    assert [each.is_over for each in months if each.month == this_month] in ([], [False])
    assert [each.is_over for each in later if each.month == this_month] in ([], [True])


def test_a_key_is_made_shown_once_and_revoked(admin: Browser) -> None:
    name = unique("Zähler")

    made = admin.post(KEYS, {"form": "make", "name": name, "scope": ["usage:write"]})
    secret = made.get_data(as_text=True).partition("data-copy-value>")[2].partition("<")[0]
    listed = text_of(admin.get(KEYS))
    with transaction(PLATFORM) as session:
        holder = identity.find_platform_api_key(session, PLATFORM, secret=secret)
    assert holder is not None
    revoked = admin.post(KEYS, {"form": "revoke", "key": str(holder.id)})
    with transaction(PLATFORM) as session:
        gone = identity.find_platform_api_key(session, PLATFORM, secret=secret)

    assert (made.status_code, revoked.status_code, gone) == (200, 303, None)
    assert name in listed
    assert secret not in listed
    assert "Widerrufen" in text_of(admin.get(KEYS))


@pytest.mark.parametrize(
    "form",
    [
        {"form": "make", "name": "", "scope": "usage:write"},
        {"form": "make", "name": "Meter"},
        {"form": "make", "name": "Meter", "scope": "everything"},
        {"form": "revoke", "key": "x"},
        {"form": "revoke", "key": "01a1fc10-fa7f-746b-8c0b-e44e47bdc1b5"},
    ],
)
def test_a_key_that_cannot_be_is_refused(
    admin: Browser, connected: Database, form: dict[str, str]
) -> None:
    admin.get(KEYS)
    before = rows_of_all_tables(connected.owner_url)

    page = admin.post(KEYS, form, form_on="/admin/plans")

    assert page.status_code in {404, 422}
    assert "banner--danger" in page.get_data(as_text=True) or "field--wrong" in page.get_data(
        as_text=True
    )
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_wallet_is_corrected_both_ways_once_for_a_form(admin: Browser) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(1_000, reseller=reseller)
    path = f"{RESELLERS}/{reseller.slug}/customers/{wallet.customer_id}"
    form = {"form": "adjust", "amount": "5", "reason": "Falsch gemessen"}

    for key in ("a", "a"):
        admin.post(path, {**form, "request_key": f"{wallet.id}-{key}"})
    admin.post(path, {**form, "amount": "\N{MINUS SIGN}2,50", "request_key": unique("key")})
    shown = text_of(admin.get(path))

    assert funds_of(wallet) == 1_250
    assert shown.count("Falsch gemessen") == 2
    assert wallet.customer_id.hex in admin.get(f"{RESELLERS}/{reseller.slug}/customers").get_data(
        as_text=True
    ).replace("-", "")


@pytest.mark.parametrize(
    "form",
    [
        {"amount": "-10,01"},
        {"amount": "0"},
        {"amount": "viel"},
        {"reason": ""},
        {"request_key": ""},
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    admin: Browser, connected: Database, form: dict[str, str]
) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(1_000, reseller=reseller)
    path = f"{RESELLERS}/{reseller.slug}/customers/{wallet.customer_id}"
    whole = {"form": "adjust", "amount": "5", "reason": "Grund", "request_key": unique("key")}
    before = rows_of_all_tables(connected.owner_url)["ledger_entries"]

    page = admin.post(path, {**whole, **form})

    assert page.status_code in {402, 409, 422}
    assert rows_of_all_tables(connected.owner_url)["ledger_entries"] == before
    assert funds_of(wallet) == 1_000


def test_a_customer_of_another_reseller_is_none_here(admin: Browser) -> None:
    wallet, other = a_wallet(0), a_priced_reseller()

    page = admin.get(f"{RESELLERS}/{other.slug}/customers/{wallet.customer_id}")

    assert page.status_code == 404


def test_pages_take_as_many_queries_for_many_rows(admin: Browser) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(1_000, reseller=reseller)
    one = f"{RESELLERS}/{reseller.slug}"
    paths = (
        "/admin/", RESELLERS, one, f"{one}/customers", f"{one}/customers/{wallet.customer_id}",
        MONTHS, KEYS,
    )  # fmt: skip
    few = [cost_of(admin, path) for path in paths]
    for number in range(1, 4):
        admin.post(one, {"form": "agreement", "rate": str(25 + number), "basis": "whole"})
        admin.post(one, {"form": "bonus", "kind": "new_customer", "amount": str(number)})
        a_wallet(0, reseller=reseller)
        a_priced_reseller()
        form = {"form": "adjust", "amount": "1", "reason": "Grund", "request_key": unique("key")}
        admin.post(f"{one}/customers/{wallet.customer_id}", form)

    assert [cost_of(admin, path) for path in paths] == few
