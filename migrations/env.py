"""Alembic's entry: the engine and metadata are those of the app that runs the command."""

from alembic import context
from flask import current_app
from sqlalchemy import text

db = current_app.extensions["migrate"].db


def include_name(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    """Leave Procrastinate's own schema to Procrastinate."""
    return kind != "schema" or name is None


def run() -> None:
    """Run the migrations, each in a transaction that gives up rather than queue behind traffic."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=include_name,
            compare_server_default=False,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            connection.execute(text("SET lock_timeout = '5s'"))
            context.run_migrations()


run()
