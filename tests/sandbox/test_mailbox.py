"""E-mail that the sandbox takes by SMTP and shows."""

from __future__ import annotations

import json
import smtplib
from email.message import EmailMessage

import pytest

from app.sandbox import RunningSandbox
from tests.sandbox.shopper import Shopper


def send(sandbox: RunningSandbox, *, to: str = "anna@example.com", subject: str = "Grüße") -> None:
    mail = EmailMessage()
    mail["From"] = "no-reply@kontor.test"
    mail["To"] = to
    mail["Subject"] = subject
    mail.set_content("Look: https://nordlicht.example/portal")
    mail.add_alternative(
        '<html><head></head><body><a href="https://nordlicht.example/portal">Look</a>'
        '<img src="https://nordlicht.example/logo.png"></body></html>',
        subtype="html",
    )
    with smtplib.SMTP("127.0.0.1", sandbox.mail_port, timeout=10) as server:
        server.sendmail("bounces+x@kontor.test", [to], mail.as_bytes())


def test_a_mail_is_listed_and_shown_with_text_and_headers(
    sandbox: RunningSandbox, shopper: Shopper
) -> None:
    send(sandbox)

    listed = shopper.open(f"{sandbox.url}/_sandbox/mail/").text
    shown = shopper.open(f"{sandbox.url}/_sandbox/mail/1").text

    assert "Grüße" in listed
    assert "anna@example.com" in listed
    assert "bounces+x@kontor.test" in shown
    assert '<a href="https://nordlicht.example/portal" ' in shown


def test_a_mail_is_framed_where_it_can_neither_run_nor_load_anything(
    sandbox: RunningSandbox, shopper: Shopper
) -> None:
    send(sandbox)

    framed = shopper.open(f"{sandbox.url}/_sandbox/mail/1/html")

    policy = framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert '<base target="_blank">' in framed.text


def test_scripts_find_the_mails_of_one_address(sandbox: RunningSandbox, shopper: Shopper) -> None:
    send(sandbox)
    send(sandbox, to="bert@example.com")

    answer = shopper.open(f"{sandbox.url}/_sandbox/mails?to=bert@example.com").text

    (mail,) = json.loads(answer)["mails"]
    assert mail["to"] == "bert@example.com"
    assert "https://nordlicht.example/portal" in mail["text"]


def test_an_empty_mailbox_says_what_to_do(sandbox: RunningSandbox, shopper: Shopper) -> None:
    assert "Nothing was sent yet" in shopper.open(f"{sandbox.url}/_sandbox/mail/").text


def test_a_mail_that_is_not_there_is_not_found(sandbox: RunningSandbox, shopper: Shopper) -> None:
    assert shopper.open(f"{sandbox.url}/_sandbox/mail/7").status == 404


@pytest.mark.parametrize(("local", "code"), [("unknown", 550), ("later", 451)])
def test_two_addresses_are_refused_so_that_failures_can_be_tried(
    sandbox: RunningSandbox, shopper: Shopper, local: str, code: int
) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(sandbox, to=f"{local}@example.com")

    assert refused.value.recipients[f"{local}@example.com"][0] == code
    assert "Nothing was sent yet" in shopper.open(f"{sandbox.url}/_sandbox/mail/").text
