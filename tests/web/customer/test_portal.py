"""The customer's own pages: credit apart, charges, settings."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from app import billing, identity
from app.identity import CustomerRole
from app.kernel import Money, now, transaction
from app.pricing import BonusStep, set_bonus_steps
from app.tenancy import PlatformScope, Tenant
from tests.apps import SECRET_KEY, Browser
from tests.conftest import Database
from tests.factories import PASSWORD, a_customer_user, scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import delivered_path
from tests.factories.money import (
    LONG_AGO,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    scope_of_wallet,
)
from tests.web.paying import Customer, a_person
from tests.web.portals import a_stranger, cost_of, is_turned_away, staff_of, text_of

SETTINGS, CHARGES = "/portal/settings", "/portal/charges"


@pytest.fixture
def reseller(connected: object) -> Tenant:
    """A reseller whose customers get 10 € on 100 €."""
    offer, scope = an_offer(), PlatformScope()
    step = BonusStep(Money(10_000, "EUR"), Money(1_000, "EUR"), 365)
    with transaction(scope) as session:
        set_bonus_steps(session, scope, offer_id=offer.id, steps=[step], valid_from=LONG_AGO)
    return a_priced_reseller(offer=offer)


@pytest.fixture
def owner(app: Flask, reseller: Tenant) -> Customer:
    return a_person(app, reseller)


@pytest.fixture
def member(app: Flask, owner: Customer, reseller: Tenant) -> Browser:
    scope, email = scope_of(reseller), f"{unique('member')}@example.com"
    with transaction(scope) as session:
        identity.add_customer_user(
            session, scope, customer_id=owner.wallet.customer_id, email=email, name="Mia Member",
            password=PASSWORD, role=CustomerRole.MEMBER,
        )  # fmt: skip
    browser = a_stranger(app, reseller)
    browser.sign_in(email)
    return browser


def users_of(wallet: billing.Wallet) -> list[identity.CustomerUser]:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return list(identity.list_customer_users(session, scope, customer_id=wallet.customer_id))


@pytest.mark.parametrize("path", ["/portal/", "/portal/transactions", SETTINGS])
def test_only_a_customer_sees_the_portal(
    app: Flask, owner: Customer, reseller: Tenant, path: str
) -> None:
    assert owner.browser.get(path).status_code == 200
    assert is_turned_away(a_stranger(app, reseller).get(path))
    assert is_turned_away(staff_of(app, reseller).get(path))
    assert a_stranger(app).get(path).status_code == 404


def test_paid_and_bonus_credit_stand_apart_with_what_is_held_and_owed(owner: Customer) -> None:
    wallet, scope = owner.wallet, scope_of_wallet(owner.wallet)
    a_settled_top_up(wallet, 10_000)
    with transaction(scope) as session:
        billing.set_grace(session, scope, wallet_id=wallet.id, limit=Money(500, "EUR"))
        billing.place_hold(
            session, scope, key=unique("hold"), customer_id=wallet.customer_id,
            amount=Money(300, "EUR"), expires_at=now() + timedelta(hours=1), now=now(),
        )  # fmt: skip

    shown = text_of(owner.browser.get("/portal/"))

    for words in ("110,00 €", "Bezahltes Guthaben 100,00 €", "Bonusguthaben", "10,00 € bis",
                  "Reserviert für laufende Gespräche 3,00 €", "Verfügbar 107,00 €"):  # fmt: skip
        assert words in shown, words


def test_a_charge_that_a_bonus_paid_whole_is_listed_and_moves_what_is_live(
    owner: Customer,
) -> None:
    a_settled_top_up(owner.wallet, 10_000)
    before = owner.browser.get("/portal/balance", headers={"Accept": "application/json"})

    entry = charge(owner.wallet, "250")

    after = owner.browser.get(
        "/portal/balance",
        headers={"Accept": "application/json", "If-None-Match": before.headers["ETag"]},
    )
    listed = text_of(owner.browser.get("/portal/transactions"))
    assert before.json is not None
    assert after.json is not None
    assert (before.json["bonus"], before.json["total"]) == (1_000, 11_000)
    assert (after.status_code, after.json["bonus"], after.json["total"]) == (200, 750, 10_750)
    assert after.json["mark"] != before.json["mark"]
    assert "-2,50 €" in listed
    assert "davon 2,50 € aus Bonusguthaben" in listed
    assert "+110,00 €" in listed
    assert "davon 10,00 € als Bonusguthaben" in listed
    partial = owner.browser.get("/portal/?partial=1").get_data(as_text=True)
    assert "data-live-credit" in partial
    assert f"{CHARGES}/{entry.id}" in partial


def test_what_is_owed_is_listed_and_paid_first(owner: Customer) -> None:
    wallet, scope = owner.wallet, scope_of_wallet(owner.wallet)
    with transaction(scope) as session:
        billing.set_grace(session, scope, wallet_id=wallet.id, limit=Money(500, "EUR"))
    charge(wallet, "300")

    owing = text_of(owner.browser.get("/portal/"))
    a_settled_top_up(wallet, 1_000)
    listed = text_of(owner.browser.get("/portal/transactions"))

    assert "Offen; Ihre nächste Aufladung bezahlt es zuerst 3,00 €" in owing
    assert "davon 3,00 € noch offen" in listed
    assert "+10,00 €" in listed
    assert "davon 3,00 € für Offenes" in listed


def test_the_list_adds_up_to_the_credit(owner: Customer) -> None:
    wallet, scope = owner.wallet, scope_of_wallet(owner.wallet)
    for funds in (10_000, 500):
        a_settled_top_up(wallet, funds)
    for quantity in ("600", "700", "1"):
        charge(wallet, quantity)

    moved, before = 0, None
    with transaction(scope) as session:
        while True:
            page = billing.wallet_history(session, scope, wallet=wallet, before=before, size=2)
            moved += sum(line.total.minor for line in page.rows)
            if page.next_cursor is None:
                break
            before = int(page.next_cursor)
        fresh = billing.get_wallet(session, scope, customer_id=wallet.customer_id)
        credit = billing.wallet_credit(session, scope, wallet=fresh, now=now())

    assert moved == credit.total.minor == 10_000 + 1_000 + 500 - 1_301


def test_a_charge_shows_its_price_and_nobodys_commission(owner: Customer) -> None:
    a_settled_top_up(owner.wallet, 1_000)
    entry = charge(owner.wallet, an_event(owner.wallet, "119", counterparty="+4917012345678"))

    shown = text_of(owner.browser.get(f"{CHARGES}/{entry.id}"))

    for words in ("1,19 €", "119 Min.", "Darin 19 % Umsatzsteuer 0,19 €", "Bezahltes Guthaben"):
        assert words in shown, words
    assert "Provision" not in shown
    assert "17012345678" not in shown


def test_a_charge_of_somebody_else_looks_like_none(
    app: Flask, owner: Customer, reseller: Tenant
) -> None:
    neighbour = a_wallet(1_000, reseller=reseller)

    for entry in (charge(neighbour, "10").id, uuid4()):
        assert owner.browser.get(f"{CHARGES}/{entry}").status_code == 404


def test_a_written_off_charge_says_so(owner: Customer, app: Flask, reseller: Tenant) -> None:
    a_settled_top_up(owner.wallet, 1_000)
    entry = charge(owner.wallet, "100")
    staff_of(app, reseller).post(
        f"/reseller/charges/{entry.id}", {"form": "reverse", "reason": "Geheime Notiz"}
    )

    shown = text_of(owner.browser.get(f"{CHARGES}/{entry.id}"))
    listed = text_of(owner.browser.get("/portal/transactions"))

    assert "Diese Abbuchung wurde ausgebucht." in shown
    assert "Geheime Notiz" not in shown + listed
    assert listed.count("Ausgebucht") == 2


def test_an_owner_sets_limits_and_looks_after_people(owner: Customer, reseller: Tenant) -> None:
    email = f"{unique('maren')}@example.com"

    limited = owner.browser.post(SETTINGS, {"form": "cap", "limit": "50", "subject": ""})
    added = owner.browser.post(
        SETTINGS, {"form": "user", "name": "Maren Beck", "email": email, "role": "member"}
    )
    again = users_of(owner.wallet)[-1].id
    resent = owner.browser.post(SETTINGS, {"form": "user_resend", "user": str(again)})
    maren = Browser(owner.browser.app, owner.browser.host)
    link = delivered_path(SECRET_KEY, email, reseller=reseller)
    maren.post(link, {"form": "invitation", "password": PASSWORD})
    signed_in = maren.sign_in(email)
    added_id = next(user.id for user in users_of(owner.wallet) if user.email == email)
    raised = owner.browser.post(
        SETTINGS, {"form": "user_role", "user": str(added_id), "role": "owner"}
    )
    removed = owner.browser.post(SETTINGS, {"form": "user_remove", "user": str(added_id)})

    assert (limited.status_code, added.status_code, signed_in.status_code) == (303, 303, 303)
    assert resent.status_code == 303
    assert (raised.status_code, removed.status_code) == (303, 303)
    assert "50,00 €" in text_of(owner.browser.get(SETTINGS))
    assert maren.get("/portal/").status_code == 302


@pytest.mark.parametrize(
    "form",
    [
        {"form": "cap", "limit": "5", "subject": ""},
        {"form": "user", "name": "Eve", "email": "eve@example.com", "role": "owner"},
        {"form": "user_role", "role": "owner"},
        {"form": "user_remove"},
        {"form": "user_resend"},
    ],
)
def test_a_member_looks_and_changes_nothing(
    owner: Customer, member: Browser, connected: Database, form: dict[str, str]
) -> None:
    someone = str(users_of(owner.wallet)[0].id)
    page = member.get(SETTINGS)
    before = rows_of_all_tables(connected.owner_url)

    refused = member.post(SETTINGS, {"user": someone, **form}, form_on=SETTINGS)

    assert page.status_code == 200
    assert 'name="form"' not in page.get_data(as_text=True)
    assert refused.status_code == 403
    assert "Inhaber" in text_of(refused)
    assert rows_of_all_tables(connected.owner_url) == before


def test_another_companys_person_is_none_of_an_owners(
    app: Flask, owner: Customer, reseller: Tenant
) -> None:
    stranger = a_person(app, reseller)
    theirs = users_of(stranger.wallet)[0]

    page = owner.browser.post(SETTINGS, {"form": "user_remove", "user": str(theirs.id)})

    assert page.status_code == 404
    assert [user.id for user in users_of(stranger.wallet)] == [theirs.id]


def test_the_last_owner_stays(owner: Customer) -> None:
    me = users_of(owner.wallet)[0]

    page = owner.browser.post(SETTINGS, {"form": "user_remove", "user": str(me.id)})

    assert page.status_code == 409
    assert len(users_of(owner.wallet)) == 1


def test_pages_take_as_many_queries_for_many_rows(owner: Customer) -> None:
    wallet = owner.wallet
    a_settled_top_up(wallet, 10_000)
    charge(wallet, "1200")
    a_customer_user_of(wallet)
    owner.browser.post(SETTINGS, {"form": "cap", "limit": "900", "subject": ""})
    paths = ("/portal/", "/portal/transactions", SETTINGS)
    few = [cost_of(owner.browser, path) for path in paths]
    for number in range(4):
        charge(wallet, "100")
        a_customer_user_of(wallet)
        owner.browser.post(SETTINGS, {"form": "cap", "limit": "900", "subject": f"line:{number}"})

    assert [cost_of(owner.browser, path) for path in paths] == few


def a_customer_user_of(wallet: billing.Wallet) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        customer = identity.get_customer(session, scope, customer_id=wallet.customer_id)
    a_customer_user(customer)
