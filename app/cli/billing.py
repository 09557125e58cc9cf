"""`kontor billing`: what the worker does by itself, by hand."""

from datetime import date

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app import billing as charging
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope, list_resellers


@click.group()
def billing() -> None:
    """Charge what is due and close months."""


@billing.command(
    epilog=examples("kontor billing charge-fees", "kontor billing charge-fees --reseller nordlicht")
)
@click.option("--reseller", "slug", help="Slug of one reseller; else all.")
@with_database
def charge_fees(slug: str | None) -> None:
    """Charge every recurring fee that is due; what was refused is tried again."""
    scopes = [scope_of(slug)] if slug else _all_scopes()
    runs = [
        charging.charge_due_fees(scope, now=now())
        for scope in track(scopes, "Charging fees …", transient=True, console=Console(stderr=True))
    ]
    charged, refused = sum(run.charged for run in runs), sum(run.refused for run in runs)
    click.echo(f"{charged} charged, {refused} still due.")


@billing.command(epilog=examples("kontor billing close-month 2026-06"))
@click.argument("month", metavar="YYYY-MM")
@with_database
def close_month(month: str) -> None:
    """Close a month: true every commission up and write the statements, for ever.

    The worker does it by itself on the first of the next month. Safe to repeat.
    """
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as refused:
        raise click.BadParameter("write it as 2026-06", param_hint="YYYY-MM") from refused
    closing = charging.close_month(month=first, now=now())
    if not closing.is_new:
        click.echo(f"{month} was closed before.")
        return
    table = Table("Month", "Statements", "Trued up", box=SIMPLE_HEAD)
    table.add_row(month, str(closing.statements), str(closing.trued_up))
    Console().print(table)


def _all_scopes() -> list[TenantScope]:
    scope = PlatformScope()
    with transaction(scope) as session:
        return [TenantScope(tenant.id) for tenant in list_resellers(session, scope)]
