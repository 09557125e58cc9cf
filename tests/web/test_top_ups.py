"""A customer pays in: our pages, the real sandbox over HTTP, the worker's task."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.billing import TopUp, TopUpState
from app.branding import BrandLook, BrandTokens, save_brand
from app.integrations.stripe_gateway import StripeGateway
from app.kernel import now, transaction
from app.payments import store_event
from app.ports import Ports
from app.sandbox import RunningSandbox, start_sandbox
from app.tenancy import PublicScope
from app.worker.tasks import handle_payment_event, sweep_payments
from tests.factories import scope_of
from tests.factories.money import a_priced_reseller, funds_of
from tests.fakes import fake_ports
from tests.sandbox.shopper import Shopper
from tests.web.paying import Customer, Inbox, a_person

GOOD, DECLINED = "4242424242424242", "4000000000000002"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.deliveries.append((body, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    kept = Inbox(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    thread = Thread(target=kept.server.serve_forever)
    thread.start()
    yield kept
    kept.server.shutdown()
    thread.join()
    kept.server.server_close()


@pytest.fixture(scope="module")
def sandbox(inbox: Inbox) -> Iterator[RunningSandbox]:
    with start_sandbox(webhook_url=inbox.url, webhook_secret="whsec_of_the_tests") as running:
        yield running


@pytest.fixture(scope="module")
def ports(sandbox: RunningSandbox) -> Ports:
    gateway = StripeGateway(
        secret_key="sk_test_sandbox",
        webhook_secret=sandbox.webhook_secret or "",
        api_base=sandbox.url,
    )
    return replace(fake_ports(), gateway=gateway)


@pytest.fixture
def app(make_app: Callable[..., Flask], ports: Ports) -> Flask:
    return make_app(ports)


@pytest.fixture
def person(app: Flask) -> Customer:
    return a_person(app)


def _events(inbox: Inbox, top_up: TopUp) -> list[tuple[bytes, str]]:
    """The deliveries about a top-up."""
    return [each for each in inbox.deliveries if str(top_up.id).encode() in each[0]]


def _take(ports: Ports, delivery: tuple[bytes, str]) -> None:
    """Store a delivery as the webhook does and handle it as the worker does."""
    event = ports.gateway.verify_event(*delivery)
    with transaction(PublicScope()) as session:
        store_event(session, PublicScope(), event=event)
    handle_payment_event(ports, event_id=event.event_id)


def test_the_return_page_alone_credits_once(person: Customer) -> None:
    page = Shopper().pay(person.start().location, GOOD)

    shown = [person.result() for _ in range(3)]

    assert page.location.startswith(person.browser.base_url)
    assert all('data-outcome="settled"' in each for each in shown)
    assert funds_of(person.wallet) == 5_000


def test_the_webhook_alone_credits_before_the_browser_returns(
    person: Customer, sandbox: RunningSandbox, inbox: Inbox, ports: Ports
) -> None:
    Shopper().pay(person.start().location, GOOD)
    sandbox.wait_until_delivered()

    for delivery in _events(inbox, person.top_ups()[0]) * 2:
        _take(ports, delivery)

    assert funds_of(person.wallet) == 5_000
    assert 'data-outcome="settled"' in person.result()


def test_the_brands_words_are_on_the_card_statement(
    app: Flask, sandbox: RunningSandbox, inbox: Inbox
) -> None:
    reseller = a_priced_reseller()
    look = BrandLook(name="Blau", tokens=BrandTokens("#1040a0"), statement_suffix="BLAU 24")
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)
    person = a_person(app, reseller)

    Shopper().pay(person.start().location, GOOD)
    sandbox.wait_until_delivered()

    told = [json.loads(body) for body, _ in _events(inbox, person.top_ups()[0])]
    (paid,) = [each["data"] for each in told if each["type"] == "payment_intent.succeeded"]
    assert paid["object"]["statement_descriptor_suffix"] == "BLAU 24"


def test_a_declined_card_leaves_everything_as_it_was_and_says_so(
    person: Customer, sandbox: RunningSandbox, inbox: Inbox, ports: Ports
) -> None:
    page = Shopper().pay(person.start().location, DECLINED)
    sandbox.wait_until_delivered()

    for delivery in _events(inbox, person.top_ups()[0]):
        _take(ports, delivery)

    assert page.status == 402
    assert 'data-outcome="failed"' in person.result(cancelled=True)
    assert person.top_ups()[0].failure == "declined"
    assert funds_of(person.wallet) == 0


def test_after_a_decline_another_card_pays_the_same_top_up(person: Customer) -> None:
    address = person.start().location
    Shopper().pay(address, DECLINED)

    Shopper().pay(address, GOOD)

    assert 'data-outcome="settled"' in person.result()
    assert (len(person.top_ups()), funds_of(person.wallet)) == (1, 5_000)


def test_leaving_the_payment_page_credits_nothing(person: Customer) -> None:
    person.start()

    shown = person.result(cancelled=True)

    assert 'data-outcome="cancelled"' in shown
    assert funds_of(person.wallet) == 0


def test_the_sweeper_finds_what_no_webhook_told(
    person: Customer, ports: Ports, sandbox: RunningSandbox
) -> None:
    Shopper().pay(person.start().location, GOOD)

    sweep_payments(replace(ports, clock=lambda: now() + timedelta(minutes=5)))

    assert funds_of(person.wallet) == 5_000


def test_a_top_up_that_cannot_be_decided_does_not_hold_up_the_others(
    app: Flask, ports: Ports
) -> None:
    reseller = a_priced_reseller()
    lost, paying = a_person(app, reseller), a_person(app, reseller)
    lost.start()
    Shopper().pay(paying.start().location, GOOD)
    with transaction(scope_of(reseller)) as session:
        session.execute(
            text("UPDATE top_ups SET session_id = 'cs_test_unknown' WHERE wallet_id = :wallet"),
            {"wallet": lost.wallet.id},
        )

    sweep_payments(replace(ports, clock=lambda: now() + timedelta(minutes=5)))

    assert (funds_of(lost.wallet), funds_of(paying.wallet)) == (0, 5_000)


def test_sending_the_form_twice_makes_one_top_up_and_one_page(person: Customer) -> None:
    first, second = person.start(), person.start()

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(person.top_ups()) == 1


def test_another_amount_from_the_same_form_is_another_top_up(person: Customer) -> None:
    first, second = person.start(), person.start(amount="2500")

    assert first.location != second.location
    assert sorted(each.amount_minor for each in person.top_ups()) == [2_500, 5_000]


@pytest.mark.parametrize(
    ("form", "minor"),
    [
        ({"amount": "", "custom": "30"}, 3_000),
        ({"amount": "", "custom": "12,50"}, 1_250),
        ({"amount": "", "custom": " 12.5 € "}, 1_250),
        ({"amount": "2500", "custom": "99"}, 2_500),
    ],
)
def test_any_readable_amount_is_asked_for(
    person: Customer, form: dict[str, str], minor: int
) -> None:
    person.start(**form)

    assert [each.amount_minor for each in person.top_ups()] == [minor]


@pytest.mark.parametrize(
    "form",
    [
        {"amount": "", "custom": ""},
        {"amount": "", "custom": "abc"},
        {"amount": "", "custom": "-5"},
        {"amount": "", "custom": "4,99"},
        {"amount": "", "custom": "5000,01"},
        {"amount": "", "custom": "1e3"},
        {"amount": "", "custom": "12,345"},
        {"amount": "1", "custom": ""},
        {"amount": "x", "custom": ""},
        {"amount": "²", "custom": ""},
    ],
)
def test_an_unreadable_or_unreasonable_amount_is_refused_and_kept_in_the_form(
    person: Customer, form: dict[str, str]
) -> None:
    page = person.start(**form)

    assert page.status_code == 422
    assert 'class="form card"' in page.get_data(as_text=True)
    assert person.top_ups() == []


def test_while_the_processor_is_dead_nothing_is_charged_and_the_page_says_so(
    make_app: Callable[..., Flask],
) -> None:
    gateway = StripeGateway(
        secret_key="sk_test_x", webhook_secret="", api_base="http://127.0.0.1:9"
    )
    dead = replace(fake_ports(), gateway=gateway)
    person = a_person(make_app(dead))

    page = person.start()

    assert page.status_code == 422
    assert [each.state for each in person.top_ups()] == [TopUpState.CREATING.value]
    assert funds_of(person.wallet) == 0


def test_a_second_top_up_while_one_is_being_created_is_told_to_wait(
    make_app: Callable[..., Flask],
) -> None:
    gateway = StripeGateway(
        secret_key="sk_test_x", webhook_secret="", api_base="http://127.0.0.1:9"
    )
    person = a_person(make_app(replace(fake_ports(), gateway=gateway)))
    person.start()

    refused = person.start(request_key="b")

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert len(person.top_ups()) == 1


def test_another_customers_top_up_looks_like_none(app: Flask, person: Customer) -> None:
    stranger = a_person(app)
    stranger.start()

    page = person.browser.get(f"/portal/billing/success?top_up={stranger.top_ups()[0].id}")

    assert page.status_code == 404


@pytest.mark.parametrize("top_up", ["", "42", "x" * 4_000])
def test_a_result_page_of_nothing_is_not_found(person: Customer, top_up: str) -> None:
    page = person.browser.get("/portal/billing/success", query_string={"top_up": top_up})

    assert page.status_code == 404


def test_the_hosted_page_is_asked_for_half_an_hour_in_the_customers_name(
    person: Customer, ports: Ports
) -> None:
    address = urlsplit(person.start().location)

    page = Shopper().open(address.geturl())

    assert page.status == 200
    assert "50" in page.text


def _paid_events(
    person: Customer, sandbox: RunningSandbox, inbox: Inbox
) -> list[tuple[bytes, str]]:
    """Decline, then pay: every event of one top-up."""
    address = person.start().location
    Shopper().pay(address, DECLINED)
    Shopper().pay(address, GOOD)
    sandbox.wait_until_delivered()
    kinds = {
        "payment_intent.payment_failed", "payment_intent.succeeded", "checkout.session.completed"
    }  # fmt: skip
    return [
        each for each in _events(inbox, person.top_ups()[0]) if json.loads(each[0])["type"] in kinds
    ]


def test_every_order_of_a_payments_events_ends_in_one_credit(
    app: Flask, sandbox: RunningSandbox, inbox: Inbox, ports: Ports
) -> None:
    reseller = a_priced_reseller()

    for order in itertools.permutations(range(3)):
        person = a_person(app, reseller)
        events = _paid_events(person, sandbox, inbox)
        assert len(events) == 3
        for index in order:
            _take(ports, events[index])
        assert (funds_of(person.wallet), person.top_ups()[0].state) == (5_000, "settled")
        assert person.top_ups()[0].failure is None


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.lists(st.sampled_from([0, 1, 2, "page"]), min_size=1, max_size=8))
def test_any_sequence_with_repetitions_ends_in_at_most_one_credit(
    app: Flask,
    sandbox: RunningSandbox,
    inbox: Inbox,
    ports: Ports,
    order: list[int | str],
) -> None:
    person = a_person(app)
    events = _paid_events(person, sandbox, inbox)

    for step in order:
        if isinstance(step, int):
            _take(ports, events[step])
        else:
            person.result()

    kinds = [json.loads(events[step][0])["type"] for step in order if isinstance(step, int)]
    credited = "page" in order or any(kind != "payment_intent.payment_failed" for kind in kinds)
    assert funds_of(person.wallet) == (5_000 if credited else 0)


def test_the_query_of_the_return_address_names_only_the_top_up(person: Customer) -> None:
    page = Shopper().pay(person.start().location, GOOD)

    assert parse_qs(urlsplit(page.location).query) == {"top_up": [str(person.top_ups()[0].id)]}
