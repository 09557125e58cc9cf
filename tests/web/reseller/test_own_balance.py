"""The reseller's own balance: filled from commission or by card."""

from app import billing
from app.kernel import Money, transaction
from app.tenancy import Tenant
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import a_wallet, charge
from tests.web.portals import cost_of, text_of

BALANCE = "/reseller/balance"


def own_of(reseller: Tenant) -> billing.OwnBalance:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return billing.own_balance(session, scope, currency="EUR")


def test_commission_becomes_own_balance_once_for_a_form(staff: Browser, reseller: Tenant) -> None:
    charge(a_wallet(5_000, reseller=reseller), "1190")
    form = {"form": "fund", "amount": "2", "request_key": unique("key")}

    answers = [staff.post(BALANCE, form) for _ in range(2)]
    shown = text_of(staff.get(BALANCE))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert own_of(reseller) == billing.OwnBalance(Money(200, "EUR"), Money(50, "EUR"))
    assert "Aus Provision" in shown
    assert "+2,00 €" in shown


def test_more_than_the_commission_is_refused(
    staff: Browser, reseller: Tenant, connected: Database
) -> None:
    charge(a_wallet(5_000, reseller=reseller), "1190")
    staff.get(BALANCE)
    before = own_of(reseller), rows_of_all_tables(connected.owner_url)["ledger_entries"]

    page = staff.post(BALANCE, {"form": "fund", "amount": "2,51", "request_key": unique("key")})

    assert page.status_code in {402, 409, 422}
    assert 'value="2,51"' in page.get_data(as_text=True)
    after = own_of(reseller), rows_of_all_tables(connected.owner_url)["ledger_entries"]
    assert after == before


def test_a_payment_of_nobody_has_no_page(staff: Browser) -> None:
    assert staff.get(f"{BALANCE}/success?top_up=x").status_code == 404


def test_the_page_takes_as_many_queries_for_many_movements(
    staff: Browser, reseller: Tenant
) -> None:
    charge(a_wallet(5_000, reseller=reseller), "1190")

    def fund() -> None:
        staff.post(BALANCE, {"form": "fund", "amount": "0.1", "request_key": unique("key")})

    fund()
    few = cost_of(staff, BALANCE)
    for _ in range(4):
        fund()

    assert cost_of(staff, BALANCE) == few
