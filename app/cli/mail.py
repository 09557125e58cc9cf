"""`kontor mail`: what became of e-mails, reports that came back, sending domains."""

import sys
from uuid import UUID

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import notifications
from app.cli.connection import command_settings, with_database
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.factory import make_post
from app.kernel import now, transaction
from app.notifications import DeliveryState
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope, list_resellers

_PLATFORM = PlatformScope()
_PLATFORM_WORD = "platform"
# A report is a few kilobytes; a mail server that sends more sends something else.
_LARGEST_REPORT = 1024 * 1024


@click.group(epilog=examples("kontor mail list --state failed"))
def mail() -> None:
    """Look after e-mails: list, send again, take reports, sending domains."""


@mail.command(name="list", epilog=examples("kontor mail list --state failed --limit 100"))
@click.option(
    "--state",
    type=click.Choice([each.value for each in DeliveryState]),
    help="Only those in this state.",
)
@click.option("--limit", default=25, show_default=True, help="At most so many.")
@with_database
def list_mails(state: str | None, limit: int) -> None:
    """List the latest e-mails of all sites; addresses are masked."""
    table = Table("Id", "Site", "Kind", "To", "State", "Attempts", "Answer", box=SIMPLE_HEAD)
    with transaction(_PLATFORM) as session:
        lines = notifications.list_deliveries(
            session, _PLATFORM, state=DeliveryState(state) if state else None, limit=limit
        )
        slugs = {tenant.id: tenant.slug for tenant in list_resellers(session, _PLATFORM)}
    for line in lines:
        table.add_row(
            str(line.id),
            slugs.get(line.reseller_id, _PLATFORM_WORD),
            line.kind.value,
            line.address,
            line.state.value,
            str(line.attempts),
            line.answer,
        )
    Console().print(table)


@mail.command(epilog=examples("kontor mail retry nordlicht 0190a5c8-…"))
@click.argument("site")
@click.argument("delivery", type=click.UUID)
@with_database
def retry(site: str, delivery: UUID) -> None:
    """Send an e-mail of a site (a reseller's slug, or "platform") again at once."""
    scope = _scope(site)
    with transaction(scope) as session:
        notifications.retry_delivery(session, scope, delivery_id=delivery, now=now())
    click.echo("It is being sent again.")


@mail.command(epilog=examples("kontor mail bounced < report.eml"))
@with_database
def bounced() -> None:
    """Read a delivery report (RFC 3464) from standard input and mark the e-mail it is about.

    Let the mail server pipe what comes to BOUNCE_ADDRESS, with its +token, into this command.
    """
    raw = sys.stdin.buffer.read(_LARGEST_REPORT)
    secret = command_settings().secret_key.get_secret_value()
    report = notifications.read_bounce_report(raw, secret=secret)
    with transaction(_PLATFORM) as session:
        is_marked = notifications.mark_bounced(session, _PLATFORM, report=report)
    click.echo(f"{report.delivery_id} is marked." if is_marked else "Nothing to mark.")


@mail.group(epilog=examples("kontor mail domain list"))
def domain() -> None:
    """Look after the domains that e-mails are sent from."""


@domain.command(name="list", epilog=examples("kontor mail domain list"))
@with_database
def list_domains() -> None:
    """List the sending domains of all sites with the records they must show."""
    mail_domain = make_post(command_settings()).mail_domain
    with transaction(_PLATFORM) as session:
        rows = notifications.list_all_sending_domains(session, _PLATFORM)
        slugs = {tenant.id: tenant.slug for tenant in list_resellers(session, _PLATFORM)}
    for row in rows:
        click.echo(f"{row.domain} ({slugs.get(row.reseller_id, _PLATFORM_WORD)}): {row.state}")
        for record in notifications.dns_records(row, mail_domain=mail_domain):
            click.echo(f"  {record.name} TXT {record.value}")


@domain.command(epilog=examples("kontor mail domain add platform example.org"))
@click.argument("site")
@click.argument("name")
@with_database
def add(site: str, name: str) -> None:
    """Make a key for a domain of a site and print the records to set."""
    scope, post = _scope(site), make_post(command_settings())
    with transaction(scope) as session:
        row = notifications.add_sending_domain(session, scope, post.keys, domain=name, now=now())
    for record in notifications.dns_records(row, mail_domain=post.mail_domain):
        click.echo(f"{record.name} TXT {record.value}")


@domain.command(epilog=examples("kontor mail domain verify nordlicht nordlicht.example"))
@click.argument("site")
@click.argument("name")
@with_database
def verify(site: str, name: str) -> None:
    """Let a site's e-mails be sent from a domain; look at its DKIM record first."""
    scope = _scope(site)
    with transaction(_PLATFORM) as session:
        notifications.verify_sending_domain(
            session, _PLATFORM, tenant=scope, domain=name, now=now()
        )
    click.echo(f"E-mails of {site} are sent from {name}.")


@domain.command(epilog=examples("kontor mail domain remove nordlicht nordlicht.example"))
@click.argument("site")
@click.argument("name")
@with_database
def remove(site: str, name: str) -> None:
    """Forget a sending domain and its key."""
    scope = _scope(site)
    with transaction(scope) as session:
        notifications.remove_sending_domain(session, scope, domain=name)
    click.echo(f"Nothing is sent from {name} any more.")


def _scope(site: str) -> TenantScope:
    return TenantScope(PLATFORM_ID) if site == _PLATFORM_WORD else scope_of(site)
