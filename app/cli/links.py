"""Mailed links at the command line: where one leads, for an operator who hands it over herself."""

import click

from app.cli.connection import command_settings
from app.identity import AccountLink, LinkPurpose, Realm, link_path, link_token
from app.kernel import transaction
from app.tenancy import PublicScope, TenantScope, canonical_host

PRINT_LINK = click.option(
    "--print-link", "is_printed", is_flag=True, help="Print the link: it is worth a sign-in."
)
_PUBLIC = PublicScope()


def say_sent(link: AccountLink, *, is_printed: bool) -> None:
    """Say where an invitation went; print its address where the operator asked for it."""
    until = f"{link.expires_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"An invitation is on its way to {link.address}, good until {until}.")
    if is_printed:
        click.echo(address_of(link))


def address_of(link: AccountLink) -> str:
    """Return the address of a link on its tenant's canonical host (rule R18)."""
    settings = command_settings()
    with transaction(_PUBLIC) as session:
        host = canonical_host(
            session,
            TenantScope(link.reseller_id),
            tenant_id=link.reseller_id,
            platform_domain=settings.platform_domain,
        )
    token = link_token(settings.secret_key.get_secret_value(), link.id)
    path = link_path(Realm(link.realm), LinkPurpose(link.purpose), token)
    return f"{settings.address(host)}{path}"
