"""`kontor ledger`: proof of the books. The group above connects the process to its database."""

import json
from collections.abc import Sequence

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app import billing
from app import ledger as books
from app.billing import Wallet
from app.kernel import transaction
from app.ledger import Check
from app.tenancy import PlatformScope

# Ids of broken rows shown in a cell of the table; `--json` has all of them.
SHOWN = 3


@click.group()
def ledger() -> None:
    """Look after the books."""


@ledger.command()
@click.option("--freeze", is_flag=True, help="Freeze every wallet whose money is in doubt.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, with every id.")
def verify(*, freeze: bool, as_json: bool) -> None:
    """Prove every invariant of the ledger; exit with 1 where one is broken."""
    checks, frozen = _examine(freeze=freeze)
    if as_json:
        click.echo(json.dumps(_as_json(checks, frozen), indent=2))
    else:
        _print(checks, frozen)
    if any(check.broken for check in checks):
        raise click.exceptions.Exit(1)


def _examine(*, freeze: bool) -> tuple[list[Check], list[Wallet]]:
    scope = PlatformScope()
    # On the error stream: the answer alone goes to the output.
    with Console(stderr=True).status("Reading the books …"), transaction(scope) as session:
        checks = [*books.verify(session, scope), *billing.verify(session, scope)]
        frozen = billing.freeze_wallets(session, scope, checks=checks) if freeze else []
    return checks, frozen


def _as_json(checks: Sequence[Check], frozen: Sequence[Wallet]) -> dict[str, object]:
    return {
        "clean": not any(check.broken for check in checks),
        "checks": [
            {
                "name": check.name,
                "description": check.description,
                "examined": check.examined,
                "broken": check.broken,
            }
            for check in checks
        ],
        "frozen_wallets": [str(wallet.id) for wallet in frozen],
    }


def _print(checks: Sequence[Check], frozen: Sequence[Wallet]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Law", no_wrap=True)
    table.add_column("What it says")
    table.add_column("Examined", justify="right")
    table.add_column("Broken", justify="right")
    # Room for what to look for only where there is something.
    if any(check.broken for check in checks):
        table.add_column("Look for", overflow="fold")
    for check in checks:
        table.add_row(
            check.name,
            check.description,
            f"{check.examined:,}",
            f"[bold red]{len(check.broken):,}[/]" if check.broken else "0",
            *_look_for(check),
        )
    console = Console()
    console.print(table)
    console.print(_verdict(checks))
    for wallet in frozen:
        console.print(f"Wallet {wallet.id} is frozen now.")


def _look_for(check: Check) -> list[str]:
    found = [escape(identifier) for identifier in check.broken[:SHOWN]]
    return ["\n".join(found)] if found else []


def _verdict(checks: Sequence[Check]) -> str:
    broken = [check.name for check in checks if check.broken]
    if broken:
        return f"[bold red]{len(broken)} of {len(checks)} laws are broken:[/] {', '.join(broken)}"
    return f"[bold green]All {len(checks)} laws hold.[/]"
