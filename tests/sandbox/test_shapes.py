"""Objects carry the fields of Stripe's own (the shared fixture is read in place)."""

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox.offers import a_session, address_of, charge_of, payment_of
from tests.sandbox.shopper import Shopper

FIXTURE = Path(__file__).parents[2].parent / "shared" / "data" / "stripe_fixtures3.json"

# Fields of newer versions of the API than the fixture's, which the sandbox also tells.
NEWER = {"checkout.session": {"branding_settings"}, "charge": set[str]()}


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    if not FIXTURE.exists():
        pytest.skip(f"Stripe's example objects are not at {FIXTURE}")
    return dict(json.loads(FIXTURE.read_text())["resources"])


@pytest.fixture
def objects(client: stripe.StripeClient, shopper: Shopper) -> dict[str, Any]:
    """One of each, after a payment and a refund."""
    customer = client.v1.customers.create(params={"email": "erika@example.com"})
    session = a_session(client, customer=customer.id)
    shopper.pay(address_of(session))
    intent = payment_of(client, session.id)
    refund = client.v1.refunds.create(params={"payment_intent": intent.id})
    charge = charge_of(intent)
    things: list[stripe.StripeObject] = [
        client.v1.checkout.sessions.retrieve(session.id),
        client.v1.payment_intents.retrieve(intent.id),
        charge,
        client.v1.customers.retrieve(customer.id),
        client.v1.events.list().data[0],
        refund,
        client.v1.payment_methods.list(params={"customer": customer.id}).data[0]
        if intent.payment_method is None
        else client.v1.payment_methods.retrieve(str(intent.payment_method)),
        client.v1.webhook_endpoints.list().data[0],
        client.v1.checkout.sessions.line_items.list(session.id).data[0],
        client.v1.balance_transactions.retrieve(str(charge.balance_transaction)),
    ]
    return {str(thing["object"]): thing.to_dict() for thing in things}


@pytest.mark.parametrize(
    "kind",
    [
        "balance_transaction",
        "charge",
        "checkout.session",
        "customer",
        "event",
        "item",
        "payment_intent",
        "payment_method",
        "refund",
        "webhook_endpoint",
    ],
)
def test_an_object_has_the_fields_of_stripes_example(
    examples: dict[str, Any], objects: dict[str, Any], kind: str
) -> None:
    fields = set(objects[kind])

    assert set(examples[kind]) - fields == set()
    assert fields - set(examples[kind]) == NEWER.get(kind, set())


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("charge", ["payment_method_details", "card"]),
        ("charge", ["payment_method_details", "card", "checks"]),
        ("charge", ["billing_details"]),
        ("charge", ["refunds"]),
        ("payment_method", ["card"]),
        ("checkout.session", ["customer_details"]),
        ("checkout.session", ["automatic_tax"]),
        ("checkout.session", ["total_details"]),
        ("customer", ["invoice_settings"]),
        ("event", ["request"]),
        ("item", ["price"]),
    ],
)
def test_nested_objects_have_the_fields_of_stripes_example(
    examples: dict[str, Any], objects: dict[str, Any], kind: str, path: list[str]
) -> None:
    wanted, found = examples[kind], objects[kind]

    for step in path:
        wanted, found = wanted[step], found[step]

    assert set(wanted) - set(found) == set()


def test_ids_look_like_stripes(objects: dict[str, Any]) -> None:
    prefixes = {
        "checkout.session": "cs_test_",
        "customer": "cus_",
        "charge": "ch_",
        "event": "evt_",
        "payment_intent": "pi_",
        "payment_method": "pm_",
        "refund": "re_",
        "webhook_endpoint": "we_",
    }

    for kind, prefix in prefixes.items():
        rest = objects[kind]["id"].removeprefix(prefix)

        assert rest.isalnum()
        assert len(rest) == (58 if kind == "checkout.session" else 24)
