"""A tenant's mail comes from its own domain once an admin has verified it, and is signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import update

from app.kernel import now, transaction
from app.notifications import (
    SendingDomain,
    SendingDomainKnownError,
    SendingDomainNotFoundError,
    SendingDomainRefusedError,
    SendingDomainState,
    SendingDomainTakenError,
    TooManySendingDomainsError,
    add_sending_domain,
    dns_records,
    remove_sending_domain,
)
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import a_reseller, unique
from tests.factories.races import all_at_once
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import (
    ANNA,
    a_domain,
    deliver,
    domains_of,
    queue,
    read,
    text_of,
    verify,
)


def senders_of(reseller: Tenant) -> tuple[str, str]:
    """Send a message; return its From and its signature."""
    transport = FakeTransport()
    deliver(fake_post(transport), reseller, queue(reseller, key=unique("key")))
    mail = read(transport.mails[0])
    return str(mail["From"]), str(mail["DKIM-Signature"] or "")


def test_mail_comes_from_the_domain_only_after_it_was_verified(connected: Database) -> None:
    reseller = a_reseller(name="Nordlicht")
    tenant = TenantScope(reseller.id)
    domain = a_domain(tenant).domain

    before = senders_of(reseller)
    verify(tenant, domain)
    after = senders_of(reseller)

    assert before == ("Nordlicht <no-reply@kontor.test>", "")
    assert after[0] == f"Nordlicht <no-reply@{domain}>"
    assert f"d={domain};" in after[1]


def test_the_platforms_key_signs_for_those_who_have_none(connected: Database) -> None:
    platform = TenantScope(PLATFORM_ID)
    reseller = a_reseller(name="Nordlicht")
    a_domain(platform, "kontor.test")
    verify(platform, "kontor.test")

    sender, signature = senders_of(reseller)
    with transaction(platform) as session:
        remove_sending_domain(session, platform, domain="kontor.test")

    assert sender == "Nordlicht <no-reply@kontor.test>"
    assert "d=kontor.test;" in signature


def test_a_domain_is_verified_for_one_tenant_at_a_time(connected: Database) -> None:
    first, second = (TenantScope(a_reseller().id) for _ in range(2))
    domain = a_domain(first).domain
    a_domain(second, domain)
    verify(first, domain)

    with pytest.raises(SendingDomainTakenError):
        verify(second, domain)

    assert domains_of(second) == [(domain, SendingDomainState.PENDING.value)]


def test_a_site_cannot_verify_a_domain_of_its_own(connected: Database) -> None:
    tenant = TenantScope(a_reseller().id)
    domain = a_domain(tenant).domain

    with (
        pytest.raises(sqlalchemy.exc.ProgrammingError) as refused,
        transaction(tenant) as session,
    ):
        session.execute(update(SendingDomain).values(state=SendingDomainState.VERIFIED.value))

    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    assert domains_of(tenant) == [(domain, SendingDomainState.PENDING.value)]


@pytest.mark.parametrize(
    "domain", ["", "localhost", "a b.example", "10.0.0.1", "https://x.example", "-a.example"]
)
def test_what_is_no_domain_is_refused(connected: Database, domain: str) -> None:
    tenant = TenantScope(a_reseller().id)

    with pytest.raises(SendingDomainRefusedError):
        a_domain(tenant, domain or " ")

    assert domains_of(tenant) == []


def test_a_domain_is_added_once(connected: Database) -> None:
    tenant = TenantScope(a_reseller().id)
    domain = a_domain(tenant).domain

    with pytest.raises(SendingDomainKnownError):
        a_domain(tenant, f" {domain.upper()}. ")

    assert domains_of(tenant) == [(domain, SendingDomainState.PENDING.value)]


def test_a_strangers_domain_can_neither_be_seen_nor_removed(connected: Database) -> None:
    owner, stranger = (TenantScope(a_reseller().id) for _ in range(2))
    domain = a_domain(owner).domain

    with pytest.raises(SendingDomainNotFoundError), transaction(stranger) as session:
        remove_sending_domain(session, stranger, domain=domain)

    assert domains_of(stranger) == []
    assert len(domains_of(owner)) == 1


def test_the_records_name_the_selector_and_the_key(connected: Database) -> None:
    row = a_domain(TenantScope(a_reseller().id))

    dkim, spf, dmarc = dns_records(row, mail_domain="kontor.test")

    assert dkim.name == f"{row.selector}._domainkey.{row.domain}"
    assert dkim.value == f"v=DKIM1; k=rsa; p={row.public_key}"
    assert (spf.name, spf.value) == (row.domain, "v=spf1 include:kontor.test ~all")
    assert dmarc.name == f"_dmarc.{row.domain}"


def test_an_eleventh_domain_is_refused_also_where_two_are_added_at_once(
    connected: Database,
) -> None:
    tenant = TenantScope(a_reseller().id)
    for _ in range(9):
        a_domain(tenant)

    made = all_at_once([lambda: a_domain(tenant)] * 2)

    assert sum(isinstance(each, TooManySendingDomainsError) for each in made) == 1
    assert len(domains_of(tenant)) == 10


def test_a_domain_that_is_added_again_gets_a_key_under_another_name(connected: Database) -> None:
    tenant, began = TenantScope(a_reseller().id), now()

    def selector(seconds: int) -> str:
        with transaction(tenant) as session:
            row = add_sending_domain(
                session, tenant, fake_post().keys,
                domain="nordlicht.example", now=began + timedelta(seconds=seconds),
            )  # fmt: skip
            remove_sending_domain(session, tenant, domain=row.domain)
            return row.selector

    assert selector(0) != selector(1)


def test_a_mail_is_seven_bit_so_that_its_signature_survives_the_way(connected: Database) -> None:
    reseller, transport = a_reseller(name="Nördlicht"), FakeTransport()

    deliver(fake_post(transport), reseller, queue(reseller, to=replace(ANNA, name="Änne")))

    assert transport.mails[0].raw.isascii()
    assert "Änne" in text_of(read(transport.mails[0]))
