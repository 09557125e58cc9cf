"""Secrets of an installation that nobody configured: random, kept beside its data, for us alone."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_hex, token_urlsafe

from app.cli.configuration import write_secretly

_FILE = "secrets.json"


@dataclass(frozen=True)
class Secrets:
    """What was made up on the first start; `api_keys` by the reseller's slug."""

    secret_key: str
    application_password: str
    platform_password: str
    webhook_secret: str
    metrics_token: str
    api_keys: dict[str, str] = field(default_factory=dict)


def kept_secrets(directory: Path) -> Secrets:
    """Return the directory's secrets, made on the first call."""
    path = directory / _FILE
    if path.exists():
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    made = Secrets(
        secret_key=token_urlsafe(48),
        application_password=token_hex(24),
        platform_password=token_hex(24),
        webhook_secret=f"whsec_{token_hex(24)}",
        metrics_token=token_hex(24),
    )
    _keep(path, made)
    return made


def keep_api_key(directory: Path, slug: str, secret: str) -> None:
    """Remember a reseller's key, so that it can be shown again."""
    known = kept_secrets(directory)
    _keep(directory / _FILE, replace(known, api_keys={**known.api_keys, slug: secret}))


def _keep(path: Path, secrets: Secrets) -> None:
    write_secretly(path, json.dumps(asdict(secrets), indent=2) + "\n")
