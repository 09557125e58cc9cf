"""A reseller's customers: the list, and what is done for one of them."""

import pytest
from sqlalchemy import select

from app import billing, identity
from app.audit import AuditRecord
from app.kernel import Money, now, transaction
from app.tenancy import Tenant
from tests.apps import SECRET_KEY, Browser
from tests.conftest import Database
from tests.factories import PASSWORD, a_customer_user, scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import delivered_path
from tests.factories.money import a_wallet, charge, funds_of, scope_of_wallet
from tests.web.portals import cost_of, text_of

CUSTOMERS = "/reseller/customers"


def page_of(wallet: billing.Wallet) -> str:
    return f"{CUSTOMERS}/{wallet.customer_id}"


def credit_of(wallet: billing.Wallet) -> billing.Credit:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        fresh = billing.get_wallet(session, scope, customer_id=wallet.customer_id)
        return billing.wallet_credit(session, scope, wallet=fresh, now=now())


def funded(staff: Browser, reseller: Tenant, minor: int = 1_000) -> billing.Wallet:
    """A customer who used enough that the reseller has commission in her own balance."""
    wallet = a_wallet(50_000, reseller=reseller)
    charge(wallet, "20000")
    page = staff.post(
        "/reseller/balance",
        {"form": "fund", "amount": str(minor / 100), "request_key": unique("fund")},
    )
    assert page.status_code == 303
    return wallet


def test_customers_are_listed_found_and_added(staff: Browser, reseller: Tenant) -> None:
    number = unique("K")

    added = staff.post(CUSTOMERS, {"form": "customer", "name": "Café Öl", "number": number})
    listed, found, none = (
        text_of(staff.get(CUSTOMERS + query)) for query in ("", "?q=café", "?q=niemand")
    )

    assert added.status_code == 303
    assert number in listed
    assert "Café Öl" in found
    assert "Niemand gefunden" in none
    again = staff.post(CUSTOMERS, {"form": "customer", "name": "X", "number": number})
    assert (again.status_code, "bereits vergeben" in text_of(again)) == (409, True)


def test_a_list_of_many_has_pages_and_as_many_queries(staff: Browser, reseller: Tenant) -> None:
    a_wallet(0, reseller=reseller)
    few = cost_of(staff, CUSTOMERS)
    for _ in range(26):
        a_wallet(0, reseller=reseller)

    page = staff.get(CUSTOMERS)

    assert cost_of(staff, CUSTOMERS) == few
    assert "Ältere anzeigen" in text_of(page)
    assert staff.get(f"{CUSTOMERS}?before=nonsense").status_code == 422


def test_a_customers_page_says_all(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(1_000, reseller=reseller)
    charge(wallet, "119")

    shown = text_of(staff.get(page_of(wallet)))

    for words in (
        "Bezahltes Guthaben 8,81 €",
        "im Voraus bezahlt",
        "-1,19 €",
        "Kein Ausgabenlimit",
    ):
        assert words in shown


def test_credit_is_given_as_paid_and_as_bonus(staff: Browser, reseller: Tenant) -> None:
    wallet = funded(staff, reseller)
    before = funds_of(wallet)
    form = {"form": "credit", "amount": "4", "reason": "Kulanz", "kind": "paid"}

    for key in ("a", "a"):  # a double click
        staff.post(page_of(wallet), {**form, "request_key": f"{wallet.id}-{key}"})
    staff.post(
        page_of(wallet),
        {**form, "kind": "bonus", "expires": "2099-12-31", "request_key": unique("key")},
    )
    credit, shown = credit_of(wallet), text_of(staff.get(page_of(wallet)))

    assert funds_of(wallet) == before + 400
    assert credit.bonus == Money(400, "EUR")
    assert "31.12.2099" in shown
    assert "Kulanz" in shown


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"amount": "10,01"}, ""),
        ({"amount": "zehn"}, "Geben Sie eine Zahl"),
        ({"amount": "-1"}, ""),
        ({"reason": ""}, "Bitte füllen Sie dieses Feld aus"),
        ({"kind": "paid", "expires": "2099-01-01"}, ""),
        ({"kind": "bonus", "expires": "2020-01-01"}, ""),
    ],
)
def test_credit_that_cannot_be_given_is_refused_and_nothing_moves(
    staff: Browser,
    reseller: Tenant,
    connected: Database,
    form: dict[str, str],
    words: str,
) -> None:
    wallet = funded(staff, reseller)
    given = {"form": "credit", "amount": "4", "reason": "Kulanz", "kind": "paid"}
    before = rows_of_all_tables(connected.owner_url)

    page = staff.post(page_of(wallet), {**given, "request_key": unique("key"), **form})

    assert page.status_code in {402, 409, 422}
    assert words in text_of(page)
    assert 'id="credit" open' in page.get_data(as_text=True)
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_customer_is_blocked_and_unblocked(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(1_000, reseller=reseller)

    staff.post(page_of(wallet), {"form": "block", "reason": "unpaid"})
    blocked = text_of(staff.get(page_of(wallet)))
    with pytest.raises(billing.CustomerBlockedError):
        charge(wallet, "1")
    staff.post(page_of(wallet), {"form": "unblock"})

    assert "Gesperrt" in blocked
    assert charge(wallet, "1").gross.minor == 1
    scope = scope_of(reseller)
    with transaction(scope) as session:
        actors = session.scalars(
            select(AuditRecord.realm).where(
                AuditRecord.reseller_id == reseller.id,
                AuditRecord.action.startswith("billing.customer_"),
            )
        ).all()
    assert actors == ["staff", "staff"]


def test_limits_are_set_and_what_is_below_the_debt_is_refused(
    staff: Browser, reseller: Tenant
) -> None:
    wallet = a_wallet(0, reseller=reseller)

    staff.post(page_of(wallet), {"form": "grace", "limit": "5"})
    charge(wallet, "300")
    refused = staff.post(page_of(wallet), {"form": "grace", "limit": "1"})
    staff.post(page_of(wallet), {"form": "mode", "limit": "20"})
    shown = text_of(staff.get(page_of(wallet)))
    staff.post(page_of(wallet), {"form": "mode", "limit": "0"})

    assert refused.status_code in {409, 422}
    assert 'id="grace" open' in refused.get_data(as_text=True)
    assert credit_of(wallet).owed == Money(300, "EUR")
    assert "bis 5,00 € erlaubt" in shown
    assert "auf Rechnung bis 20,00 €" in shown
    assert "im Voraus bezahlt" in text_of(staff.get(page_of(wallet)))


def test_a_spending_limit_stops_charges_and_is_removed(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(1_000, reseller=reseller)

    staff.post(page_of(wallet), {"form": "cap", "limit": "1", "subject": ""})
    with pytest.raises(billing.CapReachedError):
        charge(wallet, "101")
    shown = text_of(staff.get(page_of(wallet)))
    staff.post(page_of(wallet), {"form": "cap", "limit": "", "subject": ""})

    assert "das ganze Konto 0,00 € 1,00 €" in shown
    assert charge(wallet, "101").gross.minor == 101


def test_a_line_is_assigned_and_released_with_its_history(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(0, reseller=reseller)
    subject = f"line:{unique('n')}"
    scope = scope_of(reseller)

    staff.post(page_of(wallet), {"form": "subject", "subject": subject})
    with transaction(scope) as session:
        held = identity.find_customer(session, scope, subject=subject, at=now())
    in_use = text_of(staff.get(page_of(wallet)))
    staff.post(page_of(wallet), {"form": "release", "subject": subject})
    earlier = text_of(staff.get(page_of(wallet)))
    refused = staff.post(page_of(wallet), {"form": "subject", "subject": "a b"})

    assert held == wallet.customer_id
    assert f"{subject} " in in_use
    assert "in Nutzung" in in_use
    assert "früher" in earlier
    assert refused.status_code == 422
    assert 'value="a b"' in refused.get_data(as_text=True)


def test_people_are_invited_shown_changed_and_removed(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(0, reseller=reseller)
    scope = scope_of(reseller)
    with transaction(scope) as session:
        customer = identity.get_customer(session, scope, customer_id=wallet.customer_id)
    a_customer_user(customer)
    email = f"{unique('maren')}@example.com"
    form = {"form": "user", "name": "Maren Beck", "email": email, "role": "member"}

    added = staff.post(page_of(wallet), form)
    invited = text_of(staff.get(page_of(wallet)))
    visitor = Browser(staff.app, staff.host)
    link = delivered_path(SECRET_KEY, email, reseller=reseller)
    visitor.post(link, {"form": "invitation", "password": PASSWORD})
    signed_in = visitor.sign_in(email)
    again = staff.post(page_of(wallet), form)
    with transaction(scope) as session:
        users = identity.list_customer_users(session, scope, customer_id=customer.id)
        maren = next(user for user in users if user.email == email)
    staff.post(page_of(wallet), {"form": "user_remove", "user": str(maren.id)})

    assert (added.status_code, signed_in.status_code) == (303, 303)
    assert "Maren Beck Eingeladen" in invited
    assert (again.status_code, "E-Mail-Adresse" in text_of(again)) == (409, True)
    assert visitor.get("/portal/").status_code == 302
    last = staff.post(page_of(wallet), {"form": "user_remove", "user": str(users[0].id)})
    assert last.status_code == 409


def test_the_page_takes_as_many_queries_for_many_rows(staff: Browser, reseller: Tenant) -> None:
    wallet = funded(staff, reseller, 1_500)
    path = page_of(wallet)

    def act(number: int) -> None:
        staff.post(path, {"form": "cap", "limit": "900", "subject": f"line:{number}"})
        staff.post(path, {"form": "subject", "subject": f"line:{unique('n')}"})
        for kind in ("paid", "bonus"):
            key = unique("key")
            form = {"form": "credit", "amount": "0.5", "reason": "Kulanz", "kind": kind}
            staff.post(path, {**form, "request_key": key})
        charge(wallet, "30")

    act(0)
    few = cost_of(staff, path)
    for number in range(1, 5):
        act(number)

    assert cost_of(staff, path) == few
