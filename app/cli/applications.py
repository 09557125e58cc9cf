"""`kontor reseller applications|approve|refuse|suspend|resume`: who may do business here."""

from __future__ import annotations

from collections.abc import Callable

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app import identity, onboarding, tenancy
from app.cli.connection import command_settings, with_database
from app.cli.examples import examples
from app.edge import CacheNews, SiteDirectory
from app.kernel import now, transaction
from app.tenancy import PlatformScope, StateCause, Tenant

_PLATFORM = PlatformScope()
_REASON = click.option("--reason", required=True, help="Why; the reseller's team reads it.")


@click.command(
    epilog=examples("kontor reseller applications", "kontor reseller applications --unconfirmed")
)
@click.option(
    "--unconfirmed", is_flag=True, help="Who has not confirmed yet, with the link to do so."
)
@with_database
def applications(*, unconfirmed: bool) -> None:
    """List who has signed up and waits for a decision, the longest first."""
    if unconfirmed:
        _list_unconfirmed()
        return
    table = Table("Slug", "Company", "Person", "Since", "Trial ends", "State", box=SIMPLE_HEAD)
    with transaction(_PLATFORM) as session:
        for each in onboarding.list_waiting(session, _PLATFORM):
            made, tenant = each.application, each.tenant
            table.add_row(
                tenant.slug,
                made.company,
                f"{made.name} <{made.email}>",
                f"{made.confirmed_at:%Y-%m-%d}",
                f"{tenant.trial_ends_at:%Y-%m-%d}" if tenant.trial_ends_at else "",
                tenant.state,
            )
    Console().print(table)


@click.command(epilog=examples("kontor reseller approve sonnenfunk"))
@click.argument("slug")
@with_database
def approve(slug: str) -> None:
    """Let a reseller on trial do business; all limits of the trial are gone."""
    is_news = _decided(
        slug,
        lambda session, tenant: onboarding.approve(
            session, _PLATFORM, reseller_id=tenant.id, now=now()
        ),
    )
    click.echo(f"{slug} is approved." if is_news else f"{slug} was approved already.")


@click.command(epilog=examples("kontor reseller refuse sonnenfunk --reason 'No such company.'"))
@click.argument("slug")
@_REASON
@with_database
def refuse(slug: str, reason: str) -> None:
    """Close the site of a reseller on trial, with a reason."""
    is_news = _decided(
        slug,
        lambda session, tenant: onboarding.refuse(
            session, _PLATFORM, reseller_id=tenant.id, reason=reason, now=now()
        ),
    )
    click.echo(f"{slug} is refused." if is_news else f"{slug} was refused already.")


@click.command(epilog=examples("kontor reseller suspend hafen --reason 'Invoices unpaid.'"))
@click.argument("slug")
@_REASON
@with_database
def suspend(slug: str, reason: str) -> None:
    """Close a reseller's site to everybody but its staff, who read the reason."""
    note = onboarding.require_note(reason)
    is_news = _decided(slug, _to(StateCause.SUSPENDED, note=note))
    click.echo(f"{slug} is suspended." if is_news else f"{slug} was suspended already.")


@click.command(epilog=examples("kontor reseller resume hafen"))
@click.argument("slug")
@with_database
def resume(slug: str) -> None:
    """Open the site of a suspended reseller again."""
    is_news = _decided(slug, _to(StateCause.RESUMED))
    click.echo(f"{slug} is open again." if is_news else f"{slug} was open already.")


def _to(cause: StateCause, *, note: str = "") -> Callable[[Session, Tenant], bool]:
    return lambda session, tenant: tenancy.change_state(
        session, _PLATFORM, reseller_id=tenant.id, cause=cause, note=note, now=now()
    )


def _decided(slug: str, decide: Callable[[Session, Tenant], bool]) -> bool:
    """Decide about a reseller and have every web process look its hosts up again."""
    settings = command_settings()
    with transaction(_PLATFORM) as session:
        tenant = tenancy.get_reseller(session, _PLATFORM, slug=slug)
        is_news = decide(session, tenant)
        hosts = tenancy.hosts_of(
            session, _PLATFORM, tenant=tenant, platform_domain=settings.platform_domain
        )
    news = CacheNews(settings.redis_url.get_secret_value())
    sites = SiteDirectory(platform_domain=settings.platform_domain, news=news)
    for host in hosts:
        sites.forget(host)
    news.close()
    return is_news


def _list_unconfirmed() -> None:
    settings = command_settings()
    origin = settings.address(settings.platform_domain)
    secret = settings.secret_key.get_secret_value()
    with transaction(_PLATFORM) as session:
        for made in onboarding.list_unconfirmed(session, _PLATFORM, now=now()):
            click.echo(f"{made.slug}  {made.company}  {made.name} <{made.email}>")
            click.echo(f"  {origin}/signup/confirm/{identity.link_token(secret, made.id)}")
