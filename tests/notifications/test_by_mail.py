"""The whole way as an installation is wired: settings, post, SMTP, mailbox."""

from __future__ import annotations

import json
import urllib.request

import pytest

from app.factory import make_post
from app.notifications import DeliveryState, Post
from app.sandbox import RunningSandbox, start_sandbox
from app.settings import Mode, Settings
from app.tenancy import TenantScope
from tests.conftest import Database
from tests.factories import a_reseller, unique
from tests.notifications.posted import ANNA, a_domain, deliver, lines_of, queue, verify


def a_post(**changes: str) -> Post:
    return make_post(
        Settings.model_validate(
            {
                "kontor_mode": Mode.DEMO,
                "platform_domain": "kontor.test",
                # The factory's domains are sealed with the fakes' secret.
                "secret_key": "the secret of a post that is not the real one",
                **changes,
            }
        )
    )


def mails(sandbox: RunningSandbox, address: str) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/mails?to={address}") as answer:  # noqa: S310 - loopback
        found: list[dict[str, str]] = json.load(answer)["mails"]
    return found


def test_a_message_reaches_the_mailbox_from_the_resellers_own_domain(connected: Database) -> None:
    reseller = a_reseller(name="Nordlicht")
    scope = TenantScope(reseller.id)
    domain = a_domain(scope, f"{unique('mail')}.example").domain
    verify(scope, domain)

    with start_sandbox() as sandbox:
        post = a_post(
            smtp_url=f"smtp://127.0.0.1:{sandbox.mail_port}",
            bounce_address="bounces@kontor.test",
        )
        deliver(post, reseller, queue(reseller))
        (mail,) = mails(sandbox, ANNA.address)

    assert mail["from"] == f"Nordlicht <no-reply@{domain}>"
    assert mail["envelope_from"].startswith("bounces+")
    assert f"https://{reseller.slug}.kontor.test/password/reset/" in mail["text"]
    assert lines_of(reseller)[0].state is DeliveryState.SENT


@pytest.mark.parametrize(
    ("mail_from", "sender"),
    [("", "no-reply@kontor.test"), ("hello@post.example", "hello@post.example")],
)
def test_without_a_domain_the_platforms_address_sends(
    connected: Database, mail_from: str, sender: str
) -> None:
    reseller = a_reseller(name="Nordlicht")

    with start_sandbox() as sandbox:
        post = a_post(smtp_url=f"smtp://127.0.0.1:{sandbox.mail_port}", mail_from=mail_from)
        deliver(post, reseller, queue(reseller))
        (mail,) = mails(sandbox, ANNA.address)

    assert (mail["from"], mail["envelope_from"]) == (f"Nordlicht <{sender}>", sender)


def test_without_a_mail_server_a_message_waits_and_says_why(connected: Database) -> None:
    reseller = a_reseller()

    deliver(a_post(), reseller, queue(reseller))

    line = lines_of(reseller)[0]
    assert (line.state, line.answer) == (DeliveryState.QUEUED, "no_mail_server")
