import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from app.cli.configuration import read_settings
from app.cli.errors import SettingMissingError
from app.integrations.redis_live import RedisBell
from app.kernel import SignIn, connect, driver_url, make_engine
from app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Invocation:
    """What stood before the name of the command."""

    env_file: Path | None = None


def command_settings() -> Settings:
    """Return the settings of the command that runs now."""
    invocation = click.get_current_context().find_object(Invocation)
    return read_settings(invocation.env_file if invocation else None)


@contextmanager
def connected(settings: Settings) -> Iterator[None]:
    """Connect this process to its database; refuse where no address is set.

    Where there is Redis, a commit that emitted events wakes the relay.
    """
    addresses = {
        SignIn.APPLICATION: settings.database_url,
        SignIn.PLATFORM: settings.database_platform_url,
    }
    if not all(address.get_secret_value() for address in addresses.values()):
        raise SettingMissingError(
            "DATABASE_URL and DATABASE_PLATFORM_URL are not set. "
            "For the running demo: kontor --demo COMMAND"
        )
    engines = {
        sign_in: make_engine(driver_url(address.get_secret_value()))
        for sign_in, address in addresses.items()
    }
    redis_url = settings.redis_url.get_secret_value()
    if redis_url:
        connect(engines, after_emit=RedisBell(redis_url).ring)
    else:
        connect(engines)
    try:
        yield
    finally:
        for engine in engines.values():
            engine.dispose()


def with_database(function: Callable[P, R]) -> Callable[P, R]:
    """Run a command's function connected to the database."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with connected(command_settings()):
            return function(*args, **kwargs)

    return run


def command_with_database(command: click.Command, *, epilog: str) -> click.Command:
    """Return the command connected to the database, with examples at the end of its help."""
    twin = copy(command)
    twin.epilog = epilog
    if command.callback is not None:
        twin.callback = with_database(command.callback)
    return twin
