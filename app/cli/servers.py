"""PostgreSQL and Redis of an installation: those of the settings, else embedded ones."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from app.cli import schema_changes
from app.cli.errors import CommandRefusedError, SettingMissingError
from app.cli.progress import Steps
from app.cli.schema_changes import APPLICATION_ROLE, PLATFORM_ROLE
from app.cli.secret_keeping import Secrets
from app.embedded import delete_postgres, start_postgres, start_redis
from app.settings import Settings

DATABASE = "kontor"


def start_servers(
    settings: Settings, secrets: Secrets, *, directory: Path, stack: ExitStack, steps: Steps
) -> Settings:
    """Return the settings with a database and a Redis that run; `stack` stops what is embedded."""
    return _with_redis(
        _with_database(settings, secrets, directory=directory, stack=stack, steps=steps),
        directory=directory,
        stack=stack,
        steps=steps,
    )


def prepare_database(settings: Settings) -> None:
    """Make the roles and bring the schema up to date; repeats safely."""
    owner = settings.database_owner_url.get_secret_value()
    schema_changes.make_roles(
        owner,
        application_url=settings.database_url.get_secret_value(),
        platform_url=settings.database_platform_url.get_secret_value(),
    )
    schema_changes.upgrade(owner)


def remove_servers(directory: Path) -> None:
    """Stop the embedded servers of a data directory and delete all that is in it."""
    if not directory.exists():
        return
    if (directory / "redis.lock").exists():
        start_redis(directory).stop()
    delete_postgres(directory)
    for path in directory.iterdir():
        # Our own lock stays until we let go of it; an empty folder does no harm.
        if path.name == "lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def require_no_foreign_database(settings: Settings) -> None:
    """Refuse to start over where the data are not ours to delete."""
    if settings.database_url.get_secret_value():
        raise CommandRefusedError(
            "DATABASE_URL is set: only you may empty that database. "
            "Without DATABASE_URL the demo keeps its own."
        )


def _with_database(
    settings: Settings, secrets: Secrets, *, directory: Path, stack: ExitStack, steps: Steps
) -> Settings:
    given = [
        bool(address.get_secret_value())
        for address in (
            settings.database_url,
            settings.database_platform_url,
            settings.database_owner_url,
        )
    ]
    if all(given):
        return settings
    if any(given):
        raise SettingMissingError(
            "Set all of DATABASE_URL, DATABASE_PLATFORM_URL and DATABASE_OWNER_URL, or none of "
            "them for an embedded PostgreSQL."
        )
    with steps.step("Start PostgreSQL"):
        server = start_postgres(directory)
        stack.callback(server.stop)
        owner = server.superuser_url(DATABASE)
        _ensure_database(server.superuser_url())
    application = server.url(APPLICATION_ROLE, secrets.application_password, DATABASE)
    platform = server.url(PLATFORM_ROLE, secrets.platform_password, DATABASE)
    return settings.model_copy(
        update={
            "database_url": SecretStr(application),
            "database_platform_url": SecretStr(platform),
            "database_owner_url": SecretStr(owner),
        }
    )


def _with_redis(settings: Settings, *, directory: Path, stack: ExitStack, steps: Steps) -> Settings:
    if settings.redis_url.get_secret_value():
        return settings
    with steps.step("Start Redis"):
        server = start_redis(directory)
        stack.callback(server.stop)
    return settings.model_copy(update={"redis_url": SecretStr(server.url)})


def _ensure_database(superuser_url: str) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        found = superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            superuser.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
