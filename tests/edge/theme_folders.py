"""Themes written for one test, and a site that wears one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask

from app.branding import BrandLook, BrandTokens, save_brand
from app.edge import edge_of
from app.kernel import transaction
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_reseller, scope_of

OURS = Path(__file__).parents[2] / "app" / "web" / "templates"
MOIN = 'name = "moin"\ntitle = "Moin"\n'


def a_theme(shelf: Path, files: Mapping[str, str | bytes], *, name: str = "moin") -> Path:
    """Write a theme's files; without a `theme.toml` among them it gets the shortest one."""
    folder = shelf / name
    for path, text in {"theme.toml": MOIN.replace("moin", name), **files}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def an_app_with(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, shelf: Path
) -> Flask:
    """An app whose themes lie in `shelf`."""
    monkeypatch.setattr("app.factory.THEMES", shelf)
    return make_app()


def a_site_in(app: Flask, theme: str, *, name: str = "Moin") -> Browser:
    """The site of a new reseller that chose a theme."""
    reseller = a_reseller()
    look = BrandLook(name=name, tokens=BrandTokens(accent="#123456"), theme=theme)
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)
    edge_of(app).brands.forget(reseller.id)
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
