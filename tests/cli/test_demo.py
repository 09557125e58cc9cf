"""The demo from outside: really started, really stopped. Slow: it starts three times."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.cli.configuration import PROJECT
from app.cli.demo.cast import BRANDS, BRIGHTLINE, NORDLICHT
from tests.cli.demos import ENVIRONMENT, Demo, command, free_port, remove

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo") / "data"
    running = Demo(data, "--speed", "3000")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        remove(data)


def _kontor(demo: Demo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another command on the demo's settings."""
    return subprocess.run(
        [*command()[:-1], "--env-file", str(demo.data / "environment"), *arguments],
        check=False, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_table_names_every_site_and_its_people(demo: Demo) -> None:
    printed = demo.printed

    for brand in BRANDS:
        assert f"http://{brand.slug}.kontor.localhost:{demo.port}" in printed
        assert brand.admin in printed
        assert brand.password in printed
    assert f"http://kontor.localhost:{demo.port}" in printed
    assert f"http://portal.nordlicht.localhost:{demo.port}" in printed
    assert "admin@kontor.example" in printed
    assert printed.count("alex.meyer@example.com") == 2
    assert "4242 4242 4242 4242" in printed


@pytest.mark.parametrize(
    ("host", "path", "shown"),
    [
        ("kontor.localhost", "/admin/login", "Kontor"),
        ("nordlicht.kontor.localhost", "/login", "Nordlicht Telefonie"),
        ("portal.nordlicht.localhost", "/login", "Nordlicht Telefonie"),
        ("brightline.kontor.localhost", "/login", "Brightline Voice"),
        ("hafen.kontor.localhost", "/reseller/login", "Hafen Büroservice"),
    ],
)
def test_every_site_answers_under_its_own_name(
    demo: Demo, host: str, path: str, shown: str
) -> None:
    status, page = demo.get(host, path)

    assert status == 200
    assert shown in page


@pytest.mark.parametrize("brand", BRANDS, ids=lambda brand: brand.slug)
def test_every_logo_is_there(demo: Demo, brand: object) -> None:
    looks = [each.look.logo_url for each in BRANDS if each is brand]

    status, _ = demo.get("kontor.localhost", looks[0])

    assert status == 200


def test_the_printed_call_is_charged_once(demo: Demo) -> None:
    call = demo.example()
    key, host = {"Authorization": f"Bearer {call['key']}"}, "nordlicht.kontor.localhost"

    first = demo.post(host, "/api/v2/usage", call["body"], **key)
    second = demo.post(host, "/api/v2/usage", call["body"], **key)

    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]


def test_usage_is_played_and_a_balance_moves(demo: Demo) -> None:
    call = demo.example()
    key = {"Authorization": f"Bearer {call['key']}"}
    path = f"/api/v2/customers/{call['body']['customer_id']}/balance"

    def version() -> int:
        status, body = demo.get("nordlicht.kontor.localhost", path, **key)
        assert status == 200, body
        return int(json.loads(body)["version"])

    before, deadline = version(), time.monotonic() + 30
    while version() == before and time.monotonic() < deadline:
        time.sleep(0.2)

    assert version() > before


def test_events_of_the_payment_sandbox_arrive(demo: Demo) -> None:
    key = {"Authorization": "Bearer sk_test_sandbox"}
    made = demo.ask_sandbox("POST", "/v1/customers", **key)

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        deliveries = demo.ask_sandbox("GET", "/_sandbox/deliveries")["deliveries"]
        if deliveries and deliveries[0]["state"] == "succeeded":
            break
        time.sleep(0.1)

    assert made["object"] == "customer"
    assert [each["state"] for each in deliveries] == ["succeeded"]


def test_other_commands_find_the_demo(demo: Demo) -> None:
    health = _kontor(demo, "health")
    proof = _kontor(demo, "ledger", "verify")

    assert health.returncode == 0, health.stdout
    assert proof.returncode == 0, proof.stdout


def test_the_customers_have_plausible_balances(demo: Demo) -> None:
    listed = _kontor(demo, "customer", "list", "--reseller", "nordlicht").stdout
    balances = {
        words[0]: float(words[-2])
        for line in listed.splitlines()
        if (words := line.split()) and words[0].startswith("N-")
    }

    assert demo.example()["body"]["customer_id"] in listed
    assert len(balances) == len(NORDLICHT.offices)
    assert balances["N-1004"] < 10
    assert balances["N-1005"] > 300
    assert all(0 <= balance < 1_000 for balance in balances.values())


def test_a_second_demo_on_the_same_data_is_refused(demo: Demo) -> None:
    second = subprocess.run(
        [*command(), "--data", str(demo.data), "--port", str(free_port())],
        check=False, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert second.returncode == 2
    assert "already running" in second.stderr


def test_a_port_in_use_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = Demo(data, port=port)

        assert refused.wait() == 2

    assert f"Port {port} on 127.0.0.1 cannot be used" in refused.printed
    assert "kontor demo --port" in refused.printed
    assert not (data / "postgres").exists()


def test_the_same_person_is_a_customer_of_both_brands() -> None:
    emails = [{office.email for office in brand.offices} for brand in (NORDLICHT, BRIGHTLINE)]

    assert "alex.meyer@example.com" in emails[0] & emails[1]
    assert NORDLICHT.password != BRIGHTLINE.password


def test_data_outlive_ctrl_c_and_a_kill_and_end_with_a_fresh_start(demo: Demo) -> None:
    """The last test of this module: it ends the demo of the others."""
    everything, first = demo.processes(), demo.example()
    ended = demo.stop(signal.SIGINT)
    _, left_by_ctrl_c = psutil.wait_procs(everything, timeout=5)

    again = Demo(demo.data, "--no-play")
    again.wait_until_ready()
    second, orphans = again.example(), again.children()
    again.stop(signal.SIGKILL)

    fresh = Demo(demo.data, "--no-play", "--fresh", port=again.port)
    fresh.wait_until_ready()
    _, left_by_kill = psutil.wait_procs(orphans.values(), timeout=5)
    third = fresh.example()
    fresh.children()["worker"].kill()
    status = fresh.wait()

    assert ended == 0
    assert "Played: " in demo.printed
    assert len(everything) >= 6
    assert left_by_ctrl_c == []
    assert second["key"] == first["key"]
    assert second["body"]["customer_id"] == first["body"]["customer_id"]
    assert set(orphans) == {"gunicorn", "app.sandbox", "worker"}
    assert left_by_kill == []
    assert third["body"]["customer_id"] != first["body"]["customer_id"]
    assert status == 2
    assert "worker ended by itself (-9)" in fresh.printed
