"""The hosted page itself: language, brand, work without script, safety."""

import re
from urllib.parse import urlsplit

import pytest
import stripe

from tests.sandbox.offers import CANCEL_URL, a_session, address_of
from tests.sandbox.shopper import Shopper


@pytest.mark.parametrize(
    ("locale", "browser", "words"),
    [
        ("de", "en", "50,00 € bezahlen"),
        ("en", "de", "Pay €50.00"),
        ("auto", "de-DE,de;q=0.9", "50,00 € bezahlen"),
        (None, "fr", "Pay €50.00"),
    ],
)
def test_the_page_speaks_the_language_asked_for(
    client: stripe.StripeClient, locale: str | None, browser: str, words: str
) -> None:
    session = a_session(client, **({"locale": locale} if locale else {}))

    page = Shopper(browser).open(address_of(session))

    assert words in page.text.replace("\xa0", " ")


def test_the_page_wears_the_merchants_brand(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(
        client,
        branding_settings={
            "display_name": "Nordlicht Telekom",
            "button_color": "#0F766E",
            "background_color": "#ecfdf5",
            "border_style": "pill",
        },
    )

    page = shopper.open(address_of(session))

    assert "Nordlicht Telekom" in page.text
    assert "--accent: #0f766e" in page.text
    assert "--backdrop: #ecfdf5" in page.text
    assert f'href="{CANCEL_URL}"' in page.text


def test_a_name_in_the_metadata_stands_in_for_a_brand(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client, metadata={"merchant_name": "Südwind"})

    page = shopper.open(address_of(session))

    assert "Pay Südwind" in page.text


def test_the_page_is_marked_as_a_test_and_offers_its_cards(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client)

    page = shopper.open(address_of(session))

    assert "Test mode" in page.text
    assert "4242 4242 4242 4242" in page.text


def test_a_test_card_fills_the_form_without_script(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client)

    page = shopper.submit(address_of(session), fill="4000000000009995", name="Max Muster")

    assert page.status == 200
    assert 'value="4000 0000 0000 9995"' in page.text
    assert 'value="Max Muster"' in page.text
    assert client.v1.payment_intents.list().data == []


def test_what_the_merchant_and_the_customer_write_is_escaped(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    evil = "</title><script>alert(1)</script>\"'"
    price = {"currency": "eur", "unit_amount": 5_000, "product_data": {"name": evil}}
    session = a_session(
        client,
        branding_settings={"display_name": evil},
        line_items=[{"price_data": price, "quantity": 1}],
    )

    page = shopper.pay(address_of(session), "4000000000000002", name=evil, email="a@b.de")

    assert page.status == 402
    assert "<script>alert" not in page.text
    assert page.text.count("&lt;script&gt;alert") >= 3


def test_the_policy_lets_nothing_foreign_in(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)

    page = shopper.open(address_of(session))

    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://shop.localhost:8000;" in policy
    assert page.text.count(f'nonce="{nonce[1]}"') == 2
    assert 'src="' not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "Server" not in page.headers or "Werkzeug" not in page.headers["Server"]


def test_two_pages_have_two_nonces(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)

    policies = {
        shopper.open(address_of(session)).headers["Content-Security-Policy"] for _ in range(2)
    }

    assert len(policies) == 2


def test_an_unknown_page_says_so(sandbox_url: str, shopper: Shopper) -> None:
    page = shopper.open(f"{sandbox_url}/c/pay/cs_test_unknown")

    assert page.status == 404
    assert "no such payment page" in page.text


def test_a_form_from_another_site_is_refused(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)

    page = shopper.submit_from_elsewhere(address_of(session), number="4242424242424242")

    assert page.status == 403
    assert client.v1.payment_intents.list().data == []


def test_a_receipt_shows_what_was_paid(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)
    shopper.pay(address_of(session))
    receipt_url = client.v1.charges.list().data[0].receipt_url

    page = shopper.open(receipt_url or "")

    assert urlsplit(receipt_url or "").path.startswith("/receipts/ch_")
    assert "€50.00" in page.text
    assert "4242" in page.text
