"""From a new link to the mail in which its reader finds it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.identity import (
    LinkPurpose,
    Realm,
    SignInScope,
    StaffRole,
    invite_platform_user,
    invite_staff_user,
    link_path,
    link_token,
    register,
    remove_staff_user,
    request_password_reset,
    reset_password,
    set_language,
    set_registration,
)
from app.kernel import Language, now, transaction
from app.tenancy import PlatformScope, Tenant
from app.worker.handlers import HANDLERS
from app.worker.message_tasks import deliver_message
from app.worker.relay import Relay
from app.worker.tasks import forget_links
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_custom_host,
    a_customer,
    a_customer_user,
    a_platform,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)
from tests.factories.links import links_to
from tests.fakes import FakeTransport, fake_ports, fake_post
from tests.notifications.posted import read, text_of
from tests.worker.relays import FakeLive, Relays

_TAKE = """
DELETE FROM procrastinate.procrastinate_jobs
 WHERE id = (SELECT min(id) FROM procrastinate.procrastinate_jobs WHERE task_name = %s)
RETURNING args
"""


def mails(database: Database, relays: Relays) -> dict[str, str]:
    """Relay and send everything that waits; return what each address was written."""
    relay: Relay = relays.make(FakeLive(), dict(HANDLERS))
    while relay.turn():
        pass
    transport = FakeTransport()
    ports = replace(fake_ports(), post=fake_post(transport))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SET search_path TO procrastinate, public")
        while (row := owner.execute(_TAKE, ["deliver_message"]).fetchone()) is not None:
            arguments: dict[str, Any] = row[0]
            deliver_message(ports, **arguments)
    return {mail.envelope_to: text_of(read(mail)) for mail in transport.mails}


def address_in(text: str) -> str:
    found = re.search(r"https?://\S+/(?:invitation|password/reset|email/confirm)/\S+", text)
    assert found is not None, text
    return found[0]


def an_address() -> str:
    return f"{unique('kim')}@example.com"


def ask(scope: SignInScope, realm: Realm, email: str) -> None:
    with transaction(scope) as session:
        request_password_reset(session, scope, realm=realm, email=email, now=now())


def path_to(email: str, realm: Realm, purpose: LinkPurpose, reseller: Tenant | None) -> str:
    link = links_to(email, reseller=reseller)[-1]
    return link_path(realm, purpose, link_token(fake_post().secret, link.id))


def test_r18_every_link_leads_to_the_canonical_host_of_its_tenant(
    connected: Database, relays: Relays
) -> None:
    reseller, email = a_reseller(), an_address()
    host = a_custom_host(reseller).host
    a_platform()
    admin, scope = an_address(), scope_of(reseller)
    user = a_customer_user(a_customer(reseller))
    with transaction(scope) as session:
        invite_staff_user(
            session, scope, email=email, name="Kim", role=StaffRole.SUPPORT, now=now()
        )
    with transaction(PlatformScope()) as session:
        invite_platform_user(session, PlatformScope(), email=admin, name="Root", now=now())
    ask(scope, Realm.CUSTOMER, user.email)

    sent = mails(connected, relays)

    origin = fake_post().address(host)
    expected = {
        email: origin + path_to(email, Realm.STAFF, LinkPurpose.INVITATION, reseller),
        user.email: origin
        + path_to(user.email, Realm.CUSTOMER, LinkPurpose.PASSWORD_RESET, reseller),
        admin: fake_post().address(fake_post().platform_domain)
        + path_to(admin, Realm.PLATFORM, LinkPurpose.INVITATION, None),
    }
    assert {to: address_in(text) for to, text in sent.items()} == expected


def test_a_person_is_written_in_the_language_she_chose(connected: Database, relays: Relays) -> None:
    reseller = a_reseller()
    user, scope = a_staff_user(reseller), scope_of(reseller)
    with transaction(scope) as session:
        set_language(session, scope, realm=Realm.STAFF, user_id=user.id, language=Language.FRENCH)
    ask(scope, Realm.STAFF, user.email)

    asked = mails(connected, relays)[user.email]
    link = links_to(user.email, reseller=reseller)[-1]
    with transaction(scope) as session:
        reset_password(
            session, scope, realm=Realm.STAFF, link_id=link.id, password=PASSWORD, now=now()
        )
    told = mails(connected, relays)[user.email]

    assert "mot de passe" in asked
    assert "mot de passe" in told


def test_an_unknown_address_is_written_nothing(connected: Database, relays: Relays) -> None:
    reseller, email = a_reseller(), an_address()
    ask(scope_of(reseller), Realm.CUSTOMER, email)

    sent = mails(connected, relays)

    assert sent == {}
    assert links_to(email, reseller=reseller) == []


@pytest.mark.parametrize("is_known", ["known", "new"])
def test_whoever_registers_is_told_what_her_address_is(
    connected: Database, relays: Relays, is_known: str
) -> None:
    reseller, email = a_reseller(), an_address()
    scope = scope_of(reseller)
    if is_known == "known":
        a_customer_user(a_customer(reseller), email=email)
    with transaction(scope) as session:
        set_registration(session, scope, is_open=True)
        register(
            session, scope, company="Ilves", name="Ida", email=email, password=PASSWORD,
            terms=None, now=now(),
        )  # fmt: skip

    text = mails(connected, relays)[email]

    place = "/password/reset/" if is_known == "known" else "/email/confirm/"
    assert place in address_in(text)
    assert ("Sie haben schon eines" in text) == (is_known == "known")


def test_a_changed_password_is_told_to_its_owner_and_not_to_who_is_gone(
    connected: Database, relays: Relays
) -> None:
    reseller = a_reseller()
    scope = scope_of(reseller)
    stays, goes = a_staff_user(reseller), a_staff_user(reseller)
    for user in (stays, goes):
        ask(scope, Realm.STAFF, user.email)
    asked = mails(connected, relays)
    for user in (stays, goes):
        link = links_to(user.email, reseller=reseller)[-1]
        with transaction(scope) as session:
            reset_password(
                session, scope, realm=Realm.STAFF, link_id=link.id, password=PASSWORD, now=now()
            )
    with transaction(scope) as session:
        remove_staff_user(session, scope, user_id=goes.id)

    told = mails(connected, relays)

    assert asked.keys() == {stays.email, goes.email}
    assert told.keys() == {stays.email}
    assert "Das Passwort wurde geändert" in told[stays.email]


def test_links_that_expired_long_ago_are_forgotten(connected: Database) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    ask(scope_of(reseller), Realm.CUSTOMER, user.email)
    with psycopg.connect(connected.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE account_links SET expires_at = now() - interval '31 days' WHERE address = %s",
            [user.email],
        )
    ask(scope_of(reseller), Realm.CUSTOMER, user.email)

    forget_links(fake_ports())

    assert len(links_to(user.email, reseller=reseller)) == 1
