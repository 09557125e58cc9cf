"""`kontor customer subject-…`: whose usage a line, an agent or a calendar user makes."""

from datetime import UTC, datetime

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import identity, tenancy
from app.cli.connection import with_database
from app.cli.customer import RESELLER_OPTION, find_customer
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope

_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])
_FROM = click.option(
    "--from", "valid_from", type=_MOMENT, help="Since when (UTC without a zone); now, if left out."
)


@click.command(
    epilog=examples("kontor customer subject-add N-1007 line:+49301234 --reseller nordlicht")
)
@click.argument("number")
@click.argument("subject")
@RESELLER_OPTION
@_FROM
@with_database
def subject_add(number: str, subject: str, *, slug: str, valid_from: datetime | None) -> None:
    """Let a subject's usage be a customer's from a date on, such as line:+49301234."""
    scope, at = scope_of(slug), now()
    since = _aware(valid_from) or at
    with transaction(scope) as session:
        found = find_customer(session, scope, number=number)
        identity.assign_subject(
            session, scope, subject=subject, customer_id=found.id, valid_from=since, now=at
        )
    click.echo(f"{number} pays for {subject} from {since:%Y-%m-%d %H:%M} UTC on.")


@click.command(
    epilog=examples("kontor customer subject-release line:+49301234 --reseller nordlicht")
)
@click.argument("subject")
@RESELLER_OPTION
@_FROM
@with_database
def subject_release(subject: str, *, slug: str, valid_from: datetime | None) -> None:
    """Let a subject be nobody's from a date on; another reseller may take it then."""
    scope, at = scope_of(slug), now()
    since = _aware(valid_from) or at
    with transaction(scope) as session:
        identity.assign_subject(
            session, scope, subject=subject, customer_id=None, valid_from=since, now=at
        )
    click.echo(f"{subject} is nobody's from {since:%Y-%m-%d %H:%M} UTC on.")


@click.command(epilog=examples("kontor customer subject-list N-1007 --reseller nordlicht"))
@click.argument("number")
@RESELLER_OPTION
@with_database
def subject_list(number: str, slug: str) -> None:
    """List the subjects a customer pays or paid for, the latest first."""
    scope, at = scope_of(slug), now()
    table = Table("Subject", "Since (UTC)", "Now", box=SIMPLE_HEAD)
    with transaction(scope) as session:
        customer_id = find_customer(session, scope, number=number).id
        listed = identity.list_subjects(session, scope, customer_id=customer_id)
        holders = identity.find_customers(session, scope, [(each.subject, at) for each in listed])
    for each, holder in zip(listed, holders, strict=True):
        is_held = holder == customer_id and each.valid_from <= at
        table.add_row(
            each.subject,
            f"{each.valid_from.astimezone(UTC):%Y-%m-%d %H:%M}",
            "yes" if is_held else "",
        )
    Console().print(table)


@click.command(
    epilog=examples("kontor customer subject-find line:+49301234 --at 2026-11-20T09:15:00")
)
@click.argument("subject")
@click.option("--at", "asked", type=_MOMENT, help="When (UTC without a zone); now, if left out.")
@with_database
def subject_find(subject: str, asked: datetime | None) -> None:
    """Say whose a subject is, or was: reseller and customer."""
    platform = PlatformScope()
    with transaction(platform) as session:
        (holder,) = identity.find_owners(session, platform, [(subject, _aware(asked) or now())])
        if holder is None:
            click.echo("nobody's")
            return
        scope = TenantScope(holder.reseller_id, platform.sign_in)
        found = identity.get_customer(session, scope, customer_id=holder.customer_id)
        slugs = {each.id: each.slug for each in tenancy.list_resellers(session, platform)}
    click.echo(f"{slugs[holder.reseller_id]} {found.number}")


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
