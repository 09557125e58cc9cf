"""Messages queued and sent, and domains to send them from: for the tests of several folders."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

from app.identity import Realm
from app.kernel import new_id, now, transaction
from app.notifications import (
    DeliveryLine,
    Mail,
    MessageKind,
    Post,
    Recipient,
    SendingDomain,
    add_sending_domain,
    deliver_message,
    list_deliveries,
    list_sending_domains,
    queue_message,
    verify_sending_domain,
)
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.factories import unique
from tests.fakes import fake_post

ANNA = Recipient(Realm.CUSTOMER, None, "anna@example.com", "Anna Adler", "de")


def queue(
    reseller: Tenant,
    kind: MessageKind = MessageKind.PASSWORD_RESET,
    *,
    to: Recipient = ANNA,
    key: str = "once",
    facts: Mapping[str, str | int] | None = None,
) -> UUID | None:
    scope = TenantScope(reseller.id)
    given = facts if facts is not None else {"link_id": str(new_id())}
    with transaction(scope) as session:
        return queue_message(session, scope, kind=kind, to=to, facts=given, key=key, now=now())


def deliver(post: Post, reseller: Tenant, message_id: UUID | None) -> None:
    assert message_id is not None
    deliver_message(post, TenantScope(reseller.id), message_id=message_id, clock=now)


def lines_of(reseller: Tenant) -> list[DeliveryLine]:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        return list_deliveries(session, scope)


def read(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.raw, policy=default)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def a_domain(tenant: TenantScope, domain: str | None = None) -> SendingDomain:
    with transaction(tenant) as session:
        return add_sending_domain(
            session,
            tenant,
            fake_post().keys,
            domain=domain or f"{unique('mail')}.example",
            now=now(),
        )


def verify(tenant: TenantScope, domain: str) -> None:
    platform = PlatformScope()
    with transaction(platform) as session:
        verify_sending_domain(session, platform, tenant=tenant, domain=domain, now=now())


def domains_of(tenant: TenantScope) -> list[tuple[str, str]]:
    with transaction(tenant) as session:
        return [(row.domain, row.state) for row in list_sending_domains(session, tenant)]
