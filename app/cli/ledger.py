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
from app.cli.connection import command_settings
from app.factory import make_head_log
from app.kernel import now
from app.ledger import Check, Reach
from app.tenancy import PlatformScope

# Ids of broken rows shown in a cell of the table; `--json` has all of them.
SHOWN = 3


@click.group()
def ledger() -> None:
    """Look after the books."""


@ledger.command()
@click.option("--fast", is_flag=True, help="Look only at what was booked since the last proof.")
@click.option("--freeze", is_flag=True, help="Freeze every wallet whose money is in doubt.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, with every id.")
def verify(*, fast: bool, freeze: bool, as_json: bool) -> None:
    """Prove every invariant of the ledger; exit with 1 where one is broken.

    From zero: every entry, every seal, every exported head. With --fast from the last verified
    seal of each book on, which takes as long as there is much new.
    """
    log = make_head_log(command_settings())
    reach = Reach.NEW if fast else Reach.WHOLE
    # On the error stream: the answer alone goes to the output.
    with Console(stderr=True).status("Reading the books …"):
        proof = billing.prove_books(log, PlatformScope(), now=now(), reach=reach, freeze=freeze)
    if as_json:
        click.echo(json.dumps(_as_json(proof.checks, proof.frozen), indent=2))
    else:
        _print(proof.checks, proof.frozen)
    if proof.broken:
        raise click.exceptions.Exit(1)


@ledger.command("export-head")
@click.option("--public-key", is_flag=True, help="Print the key that checks the lines, and stop.")
@click.option(
    "--start-over", is_flag=True, help="Forget what was exported: its file was lost or moved away."
)
def export_head(*, public_key: bool, start_over: bool) -> None:
    """Write the head of every book that has new seals outside the database, on one signed line.

    The worker does it every five minutes. The file is HEAD_FILE; copy it to where nobody who can
    change the database can change it.
    """
    settings = command_settings()
    log = make_head_log(settings)
    if public_key:
        click.echo(log.public_key())
        return
    line = books.export_heads(log, PlatformScope(), now=now(), start_over=start_over)
    if line is None:
        click.echo("No book has new seals.")
    else:
        click.echo(f"Line {line} written to {settings.head_file}.")


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
