"""`kontor billing`: what the worker does by itself, by hand."""

import click
from rich.console import Console
from rich.progress import track

from app import billing as charging
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope, list_resellers


@click.command(
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


def _all_scopes() -> list[TenantScope]:
    scope = PlatformScope()
    with transaction(scope) as session:
        return [TenantScope(tenant.id) for tenant in list_resellers(session, scope)]
