from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask

from app.edge.site_app import SiteApp

_VERSION_LENGTH = 16


def version_static_files(app: SiteApp) -> None:
    """Put the content's hash into every address of a static file, so that browsers may keep it."""

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            values.setdefault("v", _version(_place(app, values["filename"])))

    app.url_defaults(add_version)


def _place(app: Flask, filename: str) -> Path:
    return Path(app.static_folder or "") / filename


@lru_cache(maxsize=1000)
def _version(file: Path) -> str | None:
    # Once per process: a release brings new processes.
    return sha256(file.read_bytes()).hexdigest()[:_VERSION_LENGTH] if file.is_file() else None
