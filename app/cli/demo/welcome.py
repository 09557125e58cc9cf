"""What the demo says when it is ready: where to go, as whom, and what to try."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.cli.configuration import DEMO_DATA, ENVIRONMENT_FILE
from app.cli.demo import cast
from app.cli.demo.loading import Played
from app.kernel import now
from app.settings import Settings

WIDE = 105
GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"


@dataclass(frozen=True)
class Tour:
    """What there is to show."""

    settings: Settings
    played: Sequence[Played]
    sandbox_url: str
    directory: Path

    def site(self, host: str) -> str:
        """Return the address of a site."""
        return self.settings.address(host)

    def brand_site(self, brand: cast.Brand) -> str:
        """Return the address of a reseller's site."""
        return self.site(f"{brand.slug}.{self.settings.platform_domain}")


def welcome(console: Console, tour: Tour) -> None:
    """Print sites, people, a call of the API, and the test cards."""
    console.print()
    console.print(_sites(tour))
    console.print(_people(tour, is_wide=console.width >= WIDE))
    console.print("[bold]Charge a call[/] (send it twice: it is charged once)")
    console.print(example_call(tour), soft_wrap=True, markup=False, highlight=False)
    console.print()
    console.print(f"[bold]Top up[/] with card {GOOD_CARD}, any date to come, any CVC")
    console.print(f"[bold]Decline[/] with card {DECLINED_CARD}")
    console.print(f"[bold]Payments[/] as the processor sees them: {tour.sandbox_url}/_sandbox/")
    console.print(f"[bold]E-mails[/] that nobody was sent: {tour.sandbox_url}/_sandbox/mail/")
    kontor = command_line(tour.directory)
    console.print("[bold]In another terminal[/]:")
    for command in ("ledger verify", "health"):
        console.print(f"  {kontor} {command}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"[bold]Logs[/] are in {tour.directory / 'log'}", soft_wrap=True)
    console.print()


def command_line(directory: Path) -> str:
    """Return how another terminal in this directory calls a command of this demo."""
    script = Path(sys.executable).with_name("kontor")
    here = Path.cwd()
    program = script.relative_to(here) if script.is_relative_to(here) else script
    if directory == DEMO_DATA:
        return f"{program} --demo"
    return f"{program} --env-file {directory / ENVIRONMENT_FILE}"


def example_call(tour: Tour) -> str:
    """Return a `curl` that charges a call of the first customer."""
    first = tour.played[0]
    body = {
        "id": "my-first-call",
        "customer_id": str(first.customer_id),
        "meter": "call_minutes",
        "quantity": "3.5",
        "occurred_at": now().isoformat(timespec="seconds"),
    }
    return (
        f"curl -sS {tour.brand_site(first.brand)}/api/v2/usage"
        f" -H 'Authorization: Bearer {first.api_key}'"
        f" -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def _sites(tour: Tour) -> Table:
    table = _table("Sites", "Site", "Address")
    table.add_row(cast.PLATFORM_NAME, tour.site(tour.settings.platform_domain))
    for brand in cast.BRANDS:
        below = f" (below {brand.parent.capitalize()})" if brand.parent else ""
        table.add_row(brand.name + below, tour.brand_site(brand))
        if brand.custom_host:
            table.add_row("  on its own domain", tour.site(brand.custom_host))
    return table


def _people(tour: Tour, *, is_wide: bool) -> Table:
    """Return who may sign in; remarks only where there is room, addresses are never cut."""
    table = _table("People", "At", "Sign-in page", "E-mail", "Password")
    if is_wide:
        table.add_column("Remark")
    table.add_row("Kontor", "/admin/login", cast.PLATFORM_ADMIN, cast.PLATFORM_PASSWORD)
    for brand in cast.BRANDS:
        name = brand.name.split()[0]
        table.add_section()
        table.add_row(name, "/reseller/login", brand.admin, brand.password)
        for office in brand.offices:
            if office.remark:
                remark = [office.remark] if is_wide else []
                table.add_row(name, "/login", office.email, brand.password, *remark)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table
