"""Domains that a tenant sends mail from: keys, the records its DNS must show, and verification."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import audit
from app.notifications.errors import (
    SendingDomainKnownError,
    SendingDomainNotFoundError,
    SendingDomainRefusedError,
    SendingDomainTakenError,
    TooManySendingDomainsError,
)
from app.notifications.models import SendingDomain, SendingDomainState
from app.notifications.ports import DomainKeys, Signature
from app.tenancy import InvalidHostError, PlatformScope, TenantScope, normalise_host

MOST_DOMAINS = 10
_DOMAIN = re.compile(
    r"(?=.{4,190}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A TXT record that a sending domain's DNS must show, and what it is for."""

    purpose: str
    name: str
    value: str


def add_sending_domain(
    session: Session,
    scope: TenantScope,
    keys: DomainKeys,
    *,
    domain: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> SendingDomain:
    """Make a key for a domain; it sends nothing before an admin has verified it.

    Refuses what is no domain name, one that the tenant has already, and an eleventh.
    """
    name = _normalised(domain)
    _one_at_a_time(session, f"sending_domains_of:{scope.reseller_id}")
    if session.get(SendingDomain, (scope.reseller_id, name)) is not None:
        raise SendingDomainKnownError(field="domain")
    if len(list_sending_domains(session, scope)) >= MOST_DOMAINS:
        raise TooManySendingDomainsError(most=MOST_DOMAINS)
    made = keys.make()
    row = SendingDomain(
        reseller_id=scope.reseller_id,
        domain=name,
        # A new key gets a new name: receivers remember the old record for a while.
        selector=f"m{now:%Y%m%d%H%M%S}",
        sealed_key=made.sealed_key,
        public_key=made.public_key,
        state=SendingDomainState.PENDING.value,
        created_at=now,
        verified_at=None,
    )
    session.add(row)
    session.flush()
    _record(session, scope, actor, "notifications.sending_domain_added")
    return row


def remove_sending_domain(
    session: Session, scope: TenantScope, *, domain: str, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Forget a sending domain and its key; mail goes out under the platform's address again."""
    row = session.get(SendingDomain, (scope.reseller_id, domain))
    if row is None:
        raise SendingDomainNotFoundError
    session.delete(row)
    _record(session, scope, actor, "notifications.sending_domain_removed")


def list_sending_domains(session: Session, scope: TenantScope) -> Sequence[SendingDomain]:
    """Return the tenant's sending domains by age."""
    return session.scalars(
        select(SendingDomain)
        .where(SendingDomain.reseller_id == scope.reseller_id)
        .order_by(SendingDomain.created_at, SendingDomain.domain)
    ).all()


def list_all_sending_domains(session: Session, scope: PlatformScope) -> Sequence[SendingDomain]:
    """Return the sending domains of all tenants, those that wait for verification first."""
    return session.scalars(
        select(SendingDomain).order_by(
            SendingDomain.state, SendingDomain.created_at.desc(), SendingDomain.domain
        )
    ).all()


def verify_sending_domain(
    session: Session,
    scope: PlatformScope,
    *,
    tenant: TenantScope,
    domain: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Let a tenant's mail be sent from its domain; the admin has looked at the records.

    Safe to repeat. Refuses an unknown one, and one that is verified for another tenant.
    """
    # Two admins at once must not verify one domain for two tenants.
    _one_at_a_time(session, f"sending_domain:{domain}")
    row = session.get(SendingDomain, (tenant.reseller_id, domain))
    if row is None:
        raise SendingDomainNotFoundError
    taken = session.scalar(
        select(SendingDomain.reseller_id).where(
            SendingDomain.domain == domain,
            SendingDomain.state == SendingDomainState.VERIFIED.value,
            SendingDomain.reseller_id != tenant.reseller_id,
        )
    )
    if taken is not None:
        raise SendingDomainTakenError
    session.execute(
        update(SendingDomain)
        .where(
            SendingDomain.reseller_id == tenant.reseller_id,
            SendingDomain.domain == domain,
            SendingDomain.state == SendingDomainState.PENDING.value,
        )
        .values(state=SendingDomainState.VERIFIED.value, verified_at=now)
    )
    _record(session, tenant, actor, "notifications.sending_domain_verified")


def signature_of(session: Session, scope: TenantScope) -> Signature | None:
    """Return the tenant's verified domain that was verified last; None without one."""
    row = session.scalars(
        select(SendingDomain)
        .where(
            SendingDomain.reseller_id == scope.reseller_id,
            SendingDomain.state == SendingDomainState.VERIFIED.value,
        )
        .order_by(SendingDomain.verified_at.desc(), SendingDomain.domain)
        .limit(1)
    ).first()
    return Signature(row.domain, row.selector, row.sealed_key) if row is not None else None


def dns_records(row: SendingDomain, *, mail_domain: str) -> list[DnsRecord]:
    """Return the TXT records of a sending domain: DKIM as it must be, SPF and DMARC as advice."""
    return [
        DnsRecord(
            "DKIM", f"{row.selector}._domainkey.{row.domain}", f"v=DKIM1; k=rsa; p={row.public_key}"
        ),
        DnsRecord("SPF", row.domain, f"v=spf1 include:{mail_domain} ~all"),
        DnsRecord("DMARC", f"_dmarc.{row.domain}", "v=DMARC1; p=quarantine; adkim=r"),
    ]


def _normalised(domain: str) -> str:
    try:
        name = normalise_host(domain.strip())
    except InvalidHostError as refused:
        raise SendingDomainRefusedError(field="domain") from refused
    if not _DOMAIN.fullmatch(name):
        raise SendingDomainRefusedError(field="domain")
    return name


def _one_at_a_time(session: Session, what: str) -> None:
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def _record(session: Session, scope: TenantScope, actor: audit.Actor, action: str) -> None:
    audit.record(
        session, scope.reseller_id, actor=actor, action=action, subject_id=scope.reseller_id
    )
