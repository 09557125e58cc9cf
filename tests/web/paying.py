"""A signed-in customer who pays in, and an ear for the sandbox's deliveries."""

from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from flask import Flask
from werkzeug.test import TestResponse

from app.billing import TopUp, Wallet, list_top_ups
from app.identity import get_customer
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_customer_user, scope_of
from tests.factories.money import a_priced_reseller, a_wallet, scope_of_wallet

TOP_UP = "/portal/billing/topup"


@dataclass
class Inbox:
    """Takes the sandbox's deliveries and keeps them; a test hands them on when it wants."""

    server: ThreadingHTTPServer
    deliveries: list[tuple[bytes, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@dataclass(frozen=True)
class Customer:
    """A signed-in customer with an empty wallet."""

    browser: Browser
    wallet: Wallet

    def start(self, **form: str) -> TestResponse:
        wanted = {"amount": "5000", "request_key": "a", **form}
        return self.browser.post(TOP_UP, wanted)

    def top_ups(self) -> list[TopUp]:
        scope = scope_of_wallet(self.wallet)
        with transaction(scope) as session:
            return list_top_ups(session, scope, wallet_id=self.wallet.id)

    def result(self, *, cancelled: bool = False) -> str:
        path = f"/portal/billing/success?top_up={self.top_ups()[0].id}"
        page = self.browser.get(f"{path}&cancelled=1" if cancelled else path)
        return page.get_data(as_text=True)


def a_person(app: Flask, reseller: Tenant | None = None) -> Customer:
    owner = reseller or a_priced_reseller()
    wallet = a_wallet(0, reseller=owner)
    scope = scope_of(owner)
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=wallet.customer_id)
    browser = Browser(app, f"{owner.slug}.{PLATFORM_DOMAIN}")
    browser.sign_in(a_customer_user(customer).email)
    return Customer(browser, wallet)
