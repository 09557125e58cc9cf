"""Roles and migrations of the database, run as its owner."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import flask_migrate
import psycopg
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from psycopg import sql
from sqlalchemy import NullPool

from app.kernel import driver_url
from app.schema import metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"
APPLICATION_ROLE = "kontor_app"
PLATFORM_ROLE = "kontor_platform"
LEDGER_ROLE = "kontor_ledger"


class RoleNameError(ValueError):
    """A database address signs in as another role than the one it is meant for."""


def make_roles(owner_url: str, *, application_url: str, platform_url: str) -> None:
    """Make the three roles, or set their passwords; needs an owner with CREATEROLE.

    Refuses addresses that do not sign in as `kontor_app` and `kontor_platform`. The roles own
    nothing, inherit nothing and cannot bypass row-level security.
    """
    with psycopg.connect(owner_url, autocommit=True) as owner:
        _make_role(owner, LEDGER_ROLE, None)
        _make_role(owner, APPLICATION_ROLE, _password(application_url, APPLICATION_ROLE))
        _make_role(owner, PLATFORM_ROLE, _password(platform_url, PLATFORM_ROLE))
        for role in (APPLICATION_ROLE, PLATFORM_ROLE):
            owner.execute(
                sql.SQL(
                    "ALTER ROLE {} IN DATABASE {} SET search_path = public, procrastinate"
                ).format(sql.Identifier(role), sql.Identifier(owner.info.dbname))
            )


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`."""
    with _migrations(owner_url).app_context():
        flask_migrate.upgrade(directory=str(MIGRATIONS), revision=revision)


def downgrade(owner_url: str, revision: str = "-1") -> None:
    """Take the schema back to `revision`."""
    with _migrations(owner_url).app_context():
        flask_migrate.downgrade(directory=str(MIGRATIONS), revision=revision)


def check(owner_url: str) -> None:
    """Exit with an error where the models and the migrated database differ."""
    with _migrations(owner_url).app_context():
        flask_migrate.check(directory=str(MIGRATIONS))


def _migrations(owner_url: str) -> Flask:
    """Return an app that knows nothing but the owner's database and the whole metadata."""
    app = Flask("kontor-migrations")
    app.config["SQLALCHEMY_DATABASE_URI"] = driver_url(owner_url)
    # A pool would keep the owner's connection open after the last migration.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": NullPool}
    db = SQLAlchemy(metadata=metadata)
    db.init_app(app)
    flask_migrate.Migrate(app, db, directory=str(MIGRATIONS))
    return app


def _password(url: str, role: str) -> str:
    parts = urlsplit(url)
    if parts.username != role:
        raise RoleNameError(f"the address must sign in as {role}")
    return unquote(parts.password or "")


def _make_role(
    owner: psycopg.Connection[tuple[object, ...]], role: str, password: str | None
) -> None:
    name = sql.Identifier(role)
    known = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if not known:
        owner.execute(sql.SQL("CREATE ROLE {} NOINHERIT NOBYPASSRLS").format(name))
    if password is not None:
        owner.execute(
            sql.SQL("ALTER ROLE {} LOGIN NOINHERIT NOBYPASSRLS PASSWORD {}").format(
                name, sql.Literal(password)
            )
        )
