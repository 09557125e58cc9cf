import click

from app import identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.prompts import ask_password
from app.kernel import transaction
from app.tenancy import PlatformScope, found_platform


@click.group()
def admin() -> None:
    """Look after the people who run the platform."""


@admin.command(epilog=examples("kontor admin add paula@example.com --name 'Paula Platt'"))
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@with_database
def add(email: str, name: str) -> None:
    """Let a person run the platform; the password is asked for."""
    password = ask_password()
    scope = PlatformScope()
    with transaction(scope) as session:
        found_platform(session, scope, name="Kontor")
        user = identity.add_platform_user(session, scope, email=email, name=name, password=password)
    click.echo(f"{user.email} may sign in on /admin/login.")
