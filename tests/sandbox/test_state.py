"""What is kept over a restart, and the command that starts the sandbox."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import stripe

from app.sandbox import start_sandbox
from tests.sandbox.offers import (
    WEBHOOK_SECRET,
    a_client,
    a_session,
    address_of,
    an_offer,
    payment_of,
    with_key,
)
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper

ROOT = Path(__file__).parents[2]


def test_a_restart_keeps_objects_keys_and_open_pages(tmp_path: Path, shopper: Shopper) -> None:
    state = tmp_path / "deep" / "sandbox.sqlite"
    with start_sandbox(state=state) as sandbox:
        first = a_client(sandbox).v1.checkout.sessions.create(
            params=an_offer(), options=with_key("top-up:1")
        )

    with start_sandbox(state=state) as sandbox:
        client = a_client(sandbox)
        again = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))
        shopper.pay(f"{sandbox.url}/c/pay/{first.id}")
        status = payment_of(client, first.id).status

    assert again.id == first.id
    assert status == "succeeded"


def test_a_restart_takes_up_deliveries(tmp_path: Path, receiver: Receiver) -> None:
    receiver.statuses = [500]
    state = tmp_path / "sandbox.sqlite"
    with start_sandbox(state=state, webhook_url=receiver.url, retry_delays=(1.0,)) as sandbox:
        a_client(sandbox).v1.customers.create(params={})

    with start_sandbox(state=state, webhook_url=receiver.url) as sandbox:
        is_delivered = sandbox.wait_until_delivered()

    assert is_delivered
    assert receiver.types[-1] == "customer.created"


def test_a_new_address_given_at_the_start_replaces_the_old_one(
    tmp_path: Path, receiver: Receiver
) -> None:
    state = tmp_path / "sandbox.sqlite"
    with start_sandbox(state=state, webhook_url="http://127.0.0.1:9/old") as sandbox:
        secret = sandbox.webhook_secret

    with start_sandbox(state=state, webhook_url=receiver.url) as sandbox:
        kept = sandbox.webhook_secret
        endpoints = a_client(sandbox).v1.webhook_endpoints.list().data

    assert kept == secret
    assert [endpoint.url for endpoint in endpoints] == [receiver.url]


def test_without_a_file_nothing_is_kept() -> None:
    with start_sandbox() as sandbox:
        a_session(a_client(sandbox))

    with start_sandbox() as sandbox:
        sessions = a_client(sandbox).v1.checkout.sessions.list().data

    assert sessions == []


def test_stopping_twice_is_fine() -> None:
    sandbox = start_sandbox()

    sandbox.stop()
    sandbox.stop()

    with pytest.raises(stripe.APIConnectionError):
        a_client(sandbox).v1.customers.list()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_that_it_is_ready_and_stops_cleanly(
    tmp_path: Path, receiver: Receiver, shopper: Shopper, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "app.sandbox", "--port", "0"]
    command += ["--state", str(tmp_path / "state.sqlite"), "--retry-delays", "1,2"]
    command += ["--webhook-url", receiver.url, "--webhook-secret", WEBHOOK_SECRET]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = re.fullmatch(r"stripe sandbox ready on (http://\S+)\n", process.stdout.readline())
    assert ready is not None

    client = stripe.StripeClient("sk_test_x", base_addresses={"api": ready[1]})
    page = shopper.pay(address_of(a_session(client)))
    process.send_signal(number)
    rest, complaints = process.communicate(timeout=20)

    assert page.status == 303
    assert (process.returncode, rest, complaints) == (0, "", "")


def test_an_address_that_is_none_is_refused_before_anything_starts() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app.sandbox", "--port", "0", "--webhook-url", "nowhere"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "stripe sandbox: Not a valid URL: nowhere\n"


def test_a_taken_port_is_said_in_one_line(receiver: Receiver) -> None:
    port = receiver.url.split(":")[2].split("/")[0]

    ended = subprocess.run(
        [sys.executable, "-m", "app.sandbox", "--port", port],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"port {port}" in ended.stderr
