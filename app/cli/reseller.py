import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import commissions, identity, pricing, tenancy
from app.cli.connection import command_settings, with_database
from app.cli.examples import examples
from app.cli.offer import decimal
from app.cli.prompts import ask_password
from app.kernel import now, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

_PLATFORM = PlatformScope()


@click.group()
def reseller() -> None:
    """Look after resellers, their hosts, staff and API keys."""


@reseller.command(
    epilog=examples(
        "kontor reseller add nordlicht --name 'Nordlicht' --offer telefonie --commission 0.25"
    )
)
@click.argument("slug")
@click.option("--name", required=True, help="What the reseller calls itself.")
@click.option("--parent", help="Slug of the reseller above it; without it, the platform.")
@click.option("--offer", help="Slug of the offer it sells from now on.")
@click.option("--commission", help="Its share of the net price, such as 0.25.")
@with_database
def add(
    slug: str, name: str, parent: str | None, offer: str | None, commission: str | None
) -> None:
    """Add a reseller; its site is served at once."""
    share = None if commission is None else decimal(commission, "--commission")
    since = now()
    with transaction(_PLATFORM) as session:
        tenancy.found_platform(session, _PLATFORM, name="Kontor")
        above = tenancy.get_reseller(session, _PLATFORM, slug=parent).id if parent else PLATFORM_ID
        tenant = tenancy.add_reseller(session, _PLATFORM, slug=slug, name=name, parent_id=above)
        if offer is not None:
            sold = pricing.get_offer(session, _PLATFORM, slug=offer)
            pricing.sell_offer(
                session, _PLATFORM, reseller_id=tenant.id, offer_id=sold.id, valid_from=since
            )
        if share is not None:
            commissions.agree_commission(
                session, _PLATFORM, reseller_id=tenant.id, rate=share, valid_from=since
            )
    settings = command_settings()
    click.echo(f"{name} is on {settings.address(f'{slug}.{settings.platform_domain}')}")


@reseller.command("list", epilog=examples("kontor reseller list"))
@with_database
def list_all() -> None:
    """List every reseller, parents before children."""
    table = Table("Slug", "Name", "Below", "State", box=SIMPLE_HEAD)
    table.add_column("Own domains", overflow="fold")
    with transaction(_PLATFORM) as session:
        tenants = tenancy.list_resellers(session, _PLATFORM)
        slugs = {tenant.id: tenant.slug for tenant in tenants}
        for tenant in tenants:
            hosts = tenancy.custom_hosts(session, _PLATFORM, tenant_id=tenant.id)
            above = slugs.get(tenant.parent_id, "") if tenant.parent_id else ""
            table.add_row(tenant.slug, tenant.name, above, tenant.state, "\n".join(hosts))
    Console().print(table)


@reseller.command(epilog=examples("kontor reseller host-add nordlicht portal.nordlicht.example"))
@click.argument("slug")
@click.argument("host")
@with_database
def host_add(slug: str, host: str) -> None:
    """Give a reseller a domain of its own; web processes know it within 30 seconds."""
    domain = command_settings().platform_domain
    with transaction(_PLATFORM) as session:
        tenant = tenancy.get_reseller(session, _PLATFORM, slug=slug)
        row = tenancy.add_host(
            session, _PLATFORM, tenant_id=tenant.id, host=host, platform_domain=domain
        )
    click.echo(f"{row.host} is {slug}'s.")


@reseller.command(
    epilog=examples("kontor reseller staff-add nordlicht jonas@example.com --name 'Jonas Petersen'")
)
@click.argument("slug")
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@with_database
def staff_add(slug: str, email: str, name: str) -> None:
    """Let a person run a reseller; the password is asked for."""
    scope = scope_of(slug)
    password = ask_password()
    with transaction(scope) as session:
        user = identity.add_staff_user(session, scope, email=email, name=name, password=password)
    click.echo(f"{user.email} may sign in on /reseller/login.")


@reseller.command(
    epilog=examples(
        "kontor reseller api-key-add nordlicht --name 'Telephone system' --scope usage:write"
    )
)
@click.argument("slug")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("usage:write", "balance:read"),
    show_default=True,
    type=click.Choice([each.value for each in identity.ApiScope]),
    help="What the key may do; may stand more than once.",
)
@with_database
def api_key_add(slug: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make an API key and print its secret, this once."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        _, secret = identity.make_api_key(session, scope, name=name, scopes=scopes)
    click.echo(secret)


@reseller.command(
    epilog=examples(
        "kontor reseller sub-add nordlicht hafen --name 'Hafen Büroservice' --commission 0.15 \\",
        "  --email imke@example.com --staff-name 'Imke Jansen'",
    )
)
@click.argument("parent")
@click.argument("slug")
@click.option("--name", required=True, help="What the new reseller calls itself.")
@click.option("--commission", required=True, help="Its share of the net price, such as 0.15.")
@click.option("--email", required=True, help="Who runs it; the password is asked for.")
@click.option("--staff-name", required=True, help="What that person is called.")
@with_database
def sub_add(
    parent: str, slug: str, *, name: str, commission: str, email: str, staff_name: str
) -> None:
    """Open a reseller below another one, with its look and offer; it sells at once."""
    rate = decimal(commission, "--commission")
    password = ask_password()
    with transaction(_PLATFORM) as session:
        above = tenancy.get_reseller(session, _PLATFORM, slug=parent)
        commissions.open_sub_reseller(
            session,
            _PLATFORM,
            parent_id=above.id,
            slug=slug,
            name=name,
            commission_rate=rate,
            staff_email=email,
            staff_name=staff_name,
            staff_password=password,
            now=now(),
        )
    settings = command_settings()
    click.echo(f"{name} is on {settings.address(f'{slug}.{settings.platform_domain}')}")


@reseller.command(epilog=examples("kontor reseller sub-list nordlicht"))
@click.argument("slug")
@with_database
def sub_list(slug: str) -> None:
    """List the resellers below one, however deep."""
    scope = scope_of(slug)
    table = Table("Slug", "Name", "Below", "State", box=SIMPLE_HEAD)
    with transaction(scope) as session:
        tenants = tenancy.list_sub_resellers(session, scope)
    slugs = {scope.reseller_id: slug, **{tenant.id: tenant.slug for tenant in tenants}}
    for tenant in tenants:
        above = slugs.get(tenant.parent_id, "") if tenant.parent_id else ""
        table.add_row(tenant.slug, tenant.name, above, tenant.state)
    Console().print(table)


def scope_of(slug: str) -> TenantScope:
    """Return the scope of the reseller called so; refuses an unknown one."""
    with transaction(_PLATFORM) as session:
        return TenantScope(tenancy.get_reseller(session, _PLATFORM, slug=slug).id)
