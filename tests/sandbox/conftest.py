from collections.abc import Iterator

import pytest
import stripe

from app.sandbox import RunningSandbox, start_sandbox
from tests.sandbox.offers import WEBHOOK_SECRET, a_client
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[RunningSandbox]:
    with start_sandbox(
        webhook_url=receiver.url, webhook_secret=WEBHOOK_SECRET, retry_delays=(0.05, 0.1, 60.0)
    ) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> stripe.StripeClient:
    return a_client(sandbox)


@pytest.fixture
def shopper() -> Shopper:
    return Shopper()


@pytest.fixture
def switches(sandbox: RunningSandbox) -> Switches:
    return Switches(sandbox.url)


@pytest.fixture
def sandbox_url(sandbox: RunningSandbox) -> str:
    return sandbox.url
