"""Every order and repetition of one payment's events ends in the same ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import permutations

import pytest

from app.billing import (
    AmountMismatchError,
    PageTerms,
    TopUp,
    Wallet,
    apply_event,
    confirm_top_up,
    start_top_up,
)
from app.kernel import Money, now
from app.payments import (
    CheckoutOrder,
    CheckoutPage,
    CheckoutResult,
    CheckoutState,
    GatewayError,
    SignedEvent,
)
from tests.factories.money import a_wallet, funds_of, scope_of_wallet
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("connected")
TERMS = PageTerms(
    "https://a.example/{top_up}", "https://a.example", "", "Top-up", "de", "A", "#00f"
)


@dataclass
class FakeGateway:
    """A processor that knows one page; what it says of it is set by the test."""

    state: CheckoutState = CheckoutState.OPEN
    answers: bool = True
    is_live: bool = False
    orders: list[CheckoutOrder] = field(default_factory=list)

    def create_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        self.orders.append(order)
        if not self.answers:
            raise GatewayError(retryable=True)
        return CheckoutPage(f"cs_{order.reference}", f"https://pay.example/{order.reference}")

    def retrieve_checkout(self, session_id: str) -> CheckoutResult:
        if not self.answers:
            raise GatewayError(retryable=True)
        order = self.orders[-1]
        is_paid = self.state is CheckoutState.PAID
        return CheckoutResult(
            session_id=session_id,
            reference=order.reference,
            state=self.state,
            paid=order.amount,
            payment_id=f"pi_{order.reference}" if is_paid else None,
        )

    def verify_event(self, body: bytes, signature: str) -> SignedEvent:
        raise NotImplementedError


def start(gateway: FakeGateway, wallet: Wallet, key: str = "key") -> TopUp:
    return start_top_up(
        gateway,
        scope_of_wallet(wallet),
        customer_id=wallet.customer_id,
        amount=Money(1_000, "EUR"),
        request_key=key,
        terms=TERMS,
        now=now(),
    )


def an_event(kind: str, top_up: TopUp) -> dict[str, object]:
    is_session = kind.startswith("checkout.session")
    return {
        "data": {
            "object": {
                "object": "checkout.session" if is_session else "payment_intent",
                "id": top_up.session_id if is_session else f"pi_{top_up.id}",
                "metadata": {"top_up": str(top_up.id), "reseller": str(top_up.reseller_id)},
            }
        }
    }


def deliver(gateway: FakeGateway, top_up: TopUp, kind: str) -> str:
    return apply_event(gateway, kind=kind, payload=an_event(kind, top_up), now=now())


OF_A_PAYMENT = (
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "charge.updated",
)


@pytest.mark.parametrize("times", [1, 2])
def test_r45_events_in_any_order_and_number_credit_a_payment_once(times: int) -> None:
    wallet, gateway = a_wallet(0), FakeGateway(CheckoutState.PAID)
    orders = list(permutations(OF_A_PAYMENT))[::5]

    for number, kinds in enumerate(orders):
        top_up = start(gateway, wallet, key=str(number))
        for kind in kinds * times:
            deliver(gateway, top_up, kind)

    assert funds_of(wallet) == 1_000 * len(orders)


def test_r11_return_page_webhook_and_sweeper_at_once_credit_once() -> None:
    wallet, gateway = a_wallet(0), FakeGateway(CheckoutState.PAID)
    top_up, scope = start(gateway, wallet), scope_of_wallet(wallet)
    confirm = partial(confirm_top_up, gateway, scope, top_up_id=top_up.id, now=now())
    acts: Sequence[Callable[[], object]] = [
        *[confirm] * 4,
        *[partial(deliver, gateway, top_up, "checkout.session.completed")] * 4,
        *[partial(deliver, gateway, top_up, "payment_intent.succeeded")] * 4,
    ]

    results = all_at_once(acts)

    assert len(answers(results)) == 12
    assert funds_of(wallet) == 1_000


def test_r12_a_completed_page_that_is_not_paid_credits_nothing_until_it_is() -> None:
    wallet, gateway = a_wallet(0), FakeGateway(CheckoutState.UNPAID)
    top_up = start(gateway, wallet)

    first = deliver(gateway, top_up, "checkout.session.completed")
    gateway.state = CheckoutState.PAID
    second = deliver(gateway, top_up, "checkout.session.async_payment_succeeded")

    assert (first, second, funds_of(wallet)) == ("pending", "settled", 1_000)


def test_r21_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    wallet, gateway = a_wallet(0), FakeGateway(answers=False)
    with pytest.raises(GatewayError):
        start(gateway, wallet)

    gateway.answers = True
    top_up = start(gateway, wallet)

    first, second = gateway.orders
    assert first.key == second.key
    assert first.reference == second.reference == str(top_up.id)
    assert top_up.state == "pending"


def test_r23_the_key_changes_with_the_amount() -> None:
    wallet, gateway = a_wallet(0), FakeGateway()

    start(gateway, wallet, key="one")
    start(gateway, wallet, key="other")

    assert len({order.key for order in gateway.orders}) == 2


def test_a_processor_that_does_not_answer_changes_nothing() -> None:
    wallet, gateway = a_wallet(0), FakeGateway(CheckoutState.PAID)
    top_up = start(gateway, wallet)
    gateway.answers = False

    with pytest.raises(GatewayError):
        deliver(gateway, top_up, "checkout.session.completed")

    gateway.answers = True
    assert deliver(gateway, top_up, "checkout.session.completed") == "settled"
    assert funds_of(wallet) == 1_000


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"data": {}},
        {"data": {"object": {}}},
        {"data": {"object": {"metadata": None}}},
        {"data": {"object": {"metadata": {"top_up": "x", "reseller": "y"}}}},
        {"data": {"object": {"metadata": {"top_up": 1, "reseller": None}}}},
    ],
    ids=str,
)
def test_r48_an_event_of_a_stranger_is_ignored(payload: dict[str, object]) -> None:
    outcome = apply_event(
        FakeGateway(), kind="checkout.session.completed", payload=payload, now=now()
    )

    assert outcome == "ignored"


def test_r13_the_page_of_another_top_up_does_not_credit_this_one() -> None:
    wallet, other, gateway = a_wallet(0), a_wallet(0), FakeGateway(CheckoutState.PAID)
    top_up = start(gateway, wallet)
    start(gateway, other)

    with pytest.raises(AmountMismatchError):
        deliver(gateway, top_up, "checkout.session.completed")

    assert (funds_of(wallet), funds_of(other)) == (0, 0)


class SecondPage(FakeGateway):
    """The same processor, asked about another page of the top-up, which was paid as well."""

    def retrieve_checkout(self, session_id: str) -> CheckoutResult:
        return replace(super().retrieve_checkout(session_id), payment_id="pi_of_the_second_page")


def test_r13_a_settled_top_up_that_is_paid_again_on_another_page_is_told_not_swallowed() -> None:
    wallet, gateway = a_wallet(0), FakeGateway(CheckoutState.PAID)
    top_up = start(gateway, wallet)
    deliver(gateway, top_up, "checkout.session.completed")
    second = SecondPage(CheckoutState.PAID, orders=gateway.orders)
    top_up.session_id = "cs_of_the_second_page"

    with pytest.raises(AmountMismatchError):
        deliver(second, top_up, "checkout.session.completed")

    assert funds_of(wallet) == 1_000
