"""The mailbox in a browser: a mail is seen as it is, and can do nothing of its own."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import expect

from app.sandbox import RunningSandbox, start_sandbox
from tests.journeys.conftest import Visit

pytestmark = pytest.mark.browser

NASTY = """<html><head><link rel="stylesheet" href="http://elsewhere.test/a.css"></head><body>
<img src="http://elsewhere.test/pixel.png" alt="logo"><script>top.document.title = "taken"</script>
<form action="http://elsewhere.test/"><button>Send</button></form>
<a href="LINK">To the portal</a></body></html>"""


def send(sandbox: RunningSandbox, html: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@kontor.test", "anna@example.com", "Hello"
    mail.set_content("hello")
    mail.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", sandbox.mail_port, timeout=10) as server:
        server.send_message(mail)


def test_a_mail_loads_and_runs_nothing_and_its_links_open(visit: Callable[..., Visit]) -> None:
    with start_sandbox() as sandbox:
        send(sandbox, NASTY.replace("LINK", f"{sandbox.url}/_sandbox/"))
        tab = visit()
        asked: list[str] = []
        refused: dict[str, str | None] = {}
        tab.page.context.on("request", lambda each: asked.append(each.url))
        # Chromium says "csp" of what the page's own policy kept it from asking for.
        tab.page.context.on("requestfailed", lambda each: refused.update({each.url: each.failure}))

        tab.page.goto(f"{sandbox.url}/_sandbox/mail/")
        tab.page.click("text=Hello")
        frame = tab.page.frame_locator("iframe")
        expect(frame.get_by_text("To the portal")).to_be_visible()
        title = tab.page.title()
        with tab.page.expect_popup() as opened:
            frame.get_by_text("To the portal").click()
        opened.value.wait_for_load_state()

    assert title == "Hello"
    assert opened.value.title() == "Stripe sandbox"
    foreign = {url for url in asked if not url.startswith((sandbox.url, "data:"))}
    assert {url: refused.get(url) for url in foreign} == dict.fromkeys(foreign, "csp")
