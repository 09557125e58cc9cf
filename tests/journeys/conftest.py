"""The whole product as `kontor demo` starts it, and a real browser in front of it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.embedded import delete_postgres

CHROMIUM = Path("/usr/bin/chromium")
READY_SECONDS = 120


@dataclass(frozen=True)
class Stack:
    """A running demo that plays no usage of its own."""

    port: int
    directory: Path
    customer_id: str
    api_key: str

    def site(self, host: str) -> str:
        return f"http://{host}:{self.port}"

    def charge(self, quantity: str = "10") -> float:
        """Charge a call of Nordlicht's first customer; return when it was answered (seconds)."""
        body = {
            "id": f"journey-{token_hex(8)}",
            "customer_id": self.customer_id,
            "meter": "call_minutes",
            "quantity": quantity,
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/usage",
            json.dumps(body).encode(),
            {
                "Host": f"nordlicht.kontor.localhost:{self.port}",
                "Authorization": f"Bearer {self.api_key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert answer.status == 201
        return time.monotonic()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("journeys") / "demo"
    port = _free_port()
    command = [
        sys.executable, "-m", "app.cli", "demo", "--no-play",
        "--port", str(port), "--data", str(directory),
    ]  # fmt: skip
    said = directory.with_suffix(".txt")
    with said.open("w") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # One address signs in more often here than any person does.
            env={**os.environ, "COLUMNS": "250", "RATE_LIMIT_SIGN_IN": "1000 per minute"},
        )
    try:
        call = _wait_for_call(process, said)
        yield Stack(port, directory, *call)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        delete_postgres(directory)


def _wait_for_call(process: subprocess.Popen[bytes], said: Path) -> tuple[str, str]:
    """Return the customer and the key of the call that the demo offers when it is ready."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        text = said.read_text()
        key = re.search(r"Bearer (kk_[\w-]+)", text)
        customer = re.search(r'"customer_id": "([0-9a-f-]{36})"', text)
        if key and customer and "Logs are in" in text:
            return customer[1], key[1]
        assert process.poll() is None, text
        time.sleep(0.1)
    raise TimeoutError(said.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Not for the session: Playwright's event loop runs as long as it does, and other tests have theirs.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's package chromium is not installed and could not be")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A person's tab; what its console complains about is kept."""

    page: Page
    complaints: list[str]

    def balance(self) -> str:
        return self.page.inner_text("[data-live-balance]").replace("\xa0", " ")

    def sign_in(self, address: str, email: str, password: str) -> None:
        self.page.goto(address)
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("main button[type=submit]")
        self.page.wait_for_load_state("load")


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def open_tab(*, phone: bool = False, scripts: bool = True) -> Visit:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = chromium.new_context(
            viewport={"width": size["width"], "height": size["height"]}, java_script_enabled=scripts
        )
        contexts.append(context)
        seen = Visit(context.new_page(), [])
        seen.page.set_default_timeout(15_000)
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on(
            "console",
            lambda said: seen.complaints.append(said.text) if said.type == "error" else None,
        )
        return seen

    yield open_tab
    for context in contexts:
        context.close()
