"""One line per answer, nobody's data in it."""

import json
import logging
import re
from collections.abc import Callable

import pytest
import structlog
from flask import Flask

from app.edge import configure_logs
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import PASSWORD, a_customer, a_customer_user, a_reseller


def test_a_line_says_what_was_answered_for_which_tenant(app: Flask) -> None:
    reseller = a_reseller()
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    with structlog.testing.capture_logs() as lines:
        answer = browser.get("/theme/klar/theme.css?secret=1", buffered=True)
        answer.close()

    (line,) = [each for each in lines if each["event"] == "request"]
    assert line["method"] == "GET"
    assert line["route"] == "/theme/<name>/<path:file>"
    assert line["status"] == answer.status_code == 200
    assert line["tenant_id"] == str(reseller.id)
    assert isinstance(line["ms"], float)


def test_no_line_holds_what_a_person_typed(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    browser.sign_in("stranger@example.com", password="a wrong password")
    browser.sign_in(user.email)
    browser.get("/somebody@example.com?q=anna")

    written = capsys.readouterr().out
    assert written
    for private in ("stranger", user.email, user.name, PASSWORD, "wrong password", "somebody"):
        assert private not in written


def test_an_id_from_outside_is_believed_only_behind_our_proxy(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    host = f"{a_reseller().slug}.{PLATFORM_DOMAIN}"
    sent = {"X-Request-ID": "from-the-proxy-0001"}

    alone = Browser(app, host).get("/login", headers=sent).headers["X-Request-ID"]
    proxied = make_app(trusted_proxies=1)
    behind = Browser(proxied, host).get("/login", headers=sent).headers["X-Request-ID"]
    hostile = Browser(proxied, host).get("/login", headers={"X-Request-ID": "a b\tc" * 30})

    assert re.fullmatch(r"[0-9a-f]{32}", alone)
    assert behind == "from-the-proxy-0001"
    assert re.fullmatch(r"[0-9a-f]{32}", hostile.headers["X-Request-ID"])


def test_a_traceback_in_the_log_shows_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure_logs(as_json=True)

    try:
        fail_with("a secret value")
    except ValueError:
        structlog.get_logger("test").exception("unexpected_exception")

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    structlog.configure(**before)
    root.handlers = handlers
    root.setLevel(level)
    assert line["event"] == "unexpected_exception"
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "a secret value" not in json.dumps(line)


def fail_with(password: str) -> None:
    kept = password.upper()
    raise ValueError(len(kept))
