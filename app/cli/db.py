"""`kontor db`: roles and schema, run as the owner of the database (DATABASE_OWNER_URL)."""

import click
from pydantic import SecretStr

from app.cli import schema_changes
from app.cli.connection import command_settings
from app.cli.errors import CommandRefusedError, SettingMissingError
from app.cli.examples import examples


@click.group()
def db() -> None:
    """Make the database roles and bring the schema up to date."""


@db.command(epilog=examples("DATABASE_OWNER_URL=postgresql://owner:…@db/kontor kontor db init"))
def init() -> None:
    """Make the database roles, or set their passwords to those of the addresses."""
    settings = command_settings()
    schema_changes.make_roles(
        _address("DATABASE_OWNER_URL", settings.database_owner_url),
        application_url=_address("DATABASE_URL", settings.database_url),
        platform_url=_address("DATABASE_PLATFORM_URL", settings.database_platform_url),
    )
    click.echo("The roles are ready.")


@db.command(epilog=examples("kontor db upgrade"))
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the schema up to REVISION (the newest)."""
    schema_changes.upgrade(_owner(), revision)
    click.echo(f"The schema is at {revision}.")


@db.command(epilog=examples("kontor db downgrade 0003"))
@click.argument("revision", default="-1")
@click.confirmation_option(prompt="Columns and tables may be lost with their data. Go on?")
def downgrade(revision: str) -> None:
    """Take the schema back to REVISION (by one)."""
    schema_changes.downgrade(_owner(), revision)
    click.echo(f"The schema went back to {revision}.")


@db.command(epilog=examples("kontor db check"))
def check() -> None:
    """Exit with an error where models and database differ."""
    schema_changes.check(_owner())


def _owner() -> str:
    return _address("DATABASE_OWNER_URL", command_settings().database_owner_url)


def _address(name: str, value: SecretStr) -> str:
    address = value.get_secret_value()
    if not address:
        raise SettingMissingError(f"{name} is not set")
    if not address.startswith("postgresql://"):
        raise CommandRefusedError(f"{name} must start with postgresql://")
    return address
