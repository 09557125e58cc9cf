"""Settings of a command: from the environment, from a file of it, or filled in where it is silent.

`settings.py` reads the environment; this module says in which order the sources count.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from app.cli.errors import SettingMissingError, SettingsRefusedError
from app.settings import Settings

PROJECT = Path(__file__).parents[2]
DEMO_DATA = PROJECT / "var" / "demo"
UP_DATA = PROJECT / "var" / "kontor"
ENVIRONMENT_FILE = "environment"
HEAD_FILE = "heads.jsonl"

# What a child of ours sees beside its settings: nothing that lies about in our own environment.
_PLAIN_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUNBUFFERED": "1",
}


def read_settings(file: Path | None = None) -> Settings:
    """Return the process's settings, those of `file` first; refuse missing and weak ones."""
    if file is not None and not file.is_file():
        raise SettingMissingError(
            f"There is no {file}: nothing was started there yet (kontor demo, kontor up)."
        )
    kept = dotenv_values(file, interpolate=False) if file else {}
    return _validated({name.lower(): value for name, value in kept.items()})


def settings_or(**fallbacks: object) -> Settings:
    """Return the environment's settings; `fallbacks` stand where it is silent."""
    return _validated({**fallbacks, **EnvSettingsSource(Settings)()})


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as variables of the environment."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            found[name.upper()] = str(getattr(value, "value", value))
    return found


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the whole environment of a process that we start: its settings and little else."""
    return {**_PLAIN_ENVIRONMENT, **as_environment(settings)}


def write_environment(directory: Path, settings: Settings) -> Path:
    """Keep the settings in `directory`, for other commands (`--env-file`) and for shells."""
    path = directory / ENVIRONMENT_FILE
    lines = [f"{name}='{value}'" for name, value in as_environment(settings).items()]
    write_secretly(path, "\n".join([*lines, ""]))
    return path


def write_secretly(path: Path, text: str) -> None:
    """Write a file that only we can read, at once or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _validated(values: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as refused:
        raise _said(refused) from refused


def _said(refused: ValidationError) -> SettingsRefusedError:
    return SettingsRefusedError("\n".join(_line(error) for error in refused.errors()))


def _line(error: ErrorDetails) -> str:
    # Never the value: it may be a secret.
    name = ".".join(str(part) for part in error["loc"]).upper()
    text = error["msg"].removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
