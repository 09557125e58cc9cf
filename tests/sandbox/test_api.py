"""Keys, parameters, lists, search and the smaller resources."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
import stripe

from app.sandbox import RunningSandbox
from tests.sandbox.offers import a_client, a_session, address_of, metadata_of, payment_of
from tests.sandbox.shopper import Shopper


@pytest.mark.parametrize("key", ["sk_live_secret", "pk_test_public", "sk_test_"])
def test_other_than_secret_test_keys_are_refused(sandbox: RunningSandbox, key: str) -> None:
    client = a_client(sandbox, key=key)

    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        client.v1.customers.create(params={})

    assert a_client(sandbox).v1.customers.list().data == []


def test_a_missing_key_is_refused_in_stripes_form(sandbox_url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox_url).netloc)

    connection.request("GET", "/v1/customers", headers={"Stripe-Version": "2020-08-27"})
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()

    assert response.status == 401
    assert body["error"]["type"] == "invalid_request_error"
    assert response.headers["Request-Id"].startswith("req_")
    assert response.headers["Stripe-Version"] == "2020-08-27"


def test_an_unknown_object_is_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.retrieve("pi_unknown")

    assert refusal.value.http_status == 404
    assert refusal.value.code == "resource_missing"
    assert "No such payment_intent: 'pi_unknown'" in str(refusal.value)


def test_an_address_the_sandbox_does_not_know_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.subscriptions.list()


def test_customers_are_changed_and_found_by_email(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create(
        params={"email": "erika@example.com", "metadata": {"tenant": "1", "old": "x"}}
    )
    client.v1.customers.create(params={"email": "max@example.com"})

    client.v1.customers.update(
        customer.id,
        params={
            "name": "Erika",
            "address": {"city": "Kiel", "country": "DE"},
            "metadata": {"old": "", "new": "y"},
        },
    )

    found = client.v1.customers.list(params={"email": "erika@example.com"}).data
    assert [one.id for one in found] == [customer.id]
    assert found[0].name == "Erika"
    assert found[0].address is not None
    assert found[0].address.city == "Kiel"
    assert metadata_of(found[0]) == {"tenant": "1", "new": "y"}


def test_lists_are_paged_newest_first(client: stripe.StripeClient) -> None:
    made = [client.v1.customers.create(params={"name": str(number)}).id for number in range(5)]

    first = client.v1.customers.list(params={"limit": 2})
    second = client.v1.customers.list(params={"limit": 2, "starting_after": first.data[-1].id})
    back = client.v1.customers.list(params={"limit": 1, "ending_before": second.data[0].id})
    every = [one.id for one in client.v1.customers.list(params={"limit": 2}).auto_paging_iter()]

    assert [one.id for one in first.data] == made[:2:-1]
    assert first.has_more
    assert [one.id for one in second.data] == [made[2], made[1]]
    assert [one.id for one in back.data] == [made[3]]
    assert every == made[::-1]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_between_one_and_a_hundred_objects(
    client: stripe.StripeClient, limit: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.customers.list(params={"limit": limit})

    assert refusal.value.param == "limit"


def test_payments_are_found_by_metadata(client: stripe.StripeClient, shopper: Shopper) -> None:
    wanted = a_session(client, payment_intent_data={"metadata": {"top_up": "it's 7"}})
    other = a_session(client, payment_intent_data={"metadata": {"top_up": "8"}})
    for session in (wanted, other):
        shopper.pay(address_of(session))

    found = client.v1.payment_intents.search(
        params={"query": "metadata['top_up']:'it\\'s 7' AND status:'succeeded'"}
    )
    nothing = client.v1.payment_intents.search(params={"query": 'metadata["top_up"]:"9"'})

    assert [one.id for one in found.data] == [payment_of(client, wanted.id).id]
    assert nothing.data == []


def test_a_search_that_cannot_be_read_is_refused(client: stripe.StripeClient) -> None:
    for query in ("metadata['a']:", "body:'x'", "status:'a' OR status:'b'", "status:'a' AND"):
        with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
            client.v1.payment_intents.search(params={"query": query})


def test_references_are_expanded(client: stripe.StripeClient, shopper: Shopper) -> None:
    customer = client.v1.customers.create(params={})
    session = a_session(client, customer=customer.id)
    shopper.pay(address_of(session))

    expanded = client.v1.checkout.sessions.retrieve(
        session.id,
        params={
            "expand": ["customer", "line_items", "payment_intent.latest_charge.balance_transaction"]
        },
    )
    listed = client.v1.payment_intents.list(params={"expand": ["data.payment_method"]}).data[0]

    assert isinstance(expanded.customer, stripe.Customer)
    assert expanded.line_items is not None
    assert expanded.line_items.data[0].amount_total == 5_000
    assert isinstance(expanded.payment_intent, stripe.PaymentIntent)
    charge = expanded.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.net == 5_000 - charge.balance_transaction.fee
    assert isinstance(listed.payment_method, stripe.PaymentMethod)


def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient) -> None:
    session = a_session(client)

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, params={"expand": ["currency"]})


def test_a_list_of_sessions_can_be_narrowed(client: stripe.StripeClient, shopper: Shopper) -> None:
    paid, still_open = a_session(client), a_session(client)
    shopper.pay(address_of(paid))
    intent = payment_of(client, paid.id)

    by_state = client.v1.checkout.sessions.list(params={"status": "open"}).data
    by_payment = client.v1.checkout.sessions.list(params={"payment_intent": intent.id}).data

    assert [one.id for one in by_state] == [still_open.id]
    assert [one.id for one in by_payment] == [paid.id]
