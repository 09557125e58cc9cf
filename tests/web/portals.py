"""Browsers of people who are signed in, and what a page costs in queries."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from werkzeug.test import TestResponse

from app.edge import edge_of
from app.edge.key_uses import KeyUses
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.conftest import Database
from tests.factories import a_platform, a_platform_user, a_staff_user

LOGIN = {"/admin": "/admin/login", "/reseller": "/reseller/login", "/portal": "/login"}


def an_admin(app: Flask) -> Browser:
    """An admin of the platform, signed in."""
    a_platform()
    browser = Browser(app, PLATFORM_DOMAIN)
    browser.sign_in(a_platform_user().email, at="/admin/login")
    return browser


def staff_of(app: Flask, reseller: Tenant) -> Browser:
    """Somebody of a reseller's staff, signed in on the reseller's site."""
    browser = a_stranger(app, reseller)
    browser.sign_in(a_staff_user(reseller).email, at="/reseller/login")
    return browser


def a_stranger(app: Flask, reseller: Tenant | None = None) -> Browser:
    """Somebody who is not signed in, on a reseller's site or the platform's."""
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}" if reseller else PLATFORM_DOMAIN)


def undress(app: Flask, database: Database, tenant_id: UUID) -> None:
    """Take a tenant's brand away, as if it had never had one."""
    with psycopg.connect(database.owner_url) as owner:
        for table in ("brand_drafts", "brand_versions", "brands"):
            deletion = sql.SQL("DELETE FROM {} WHERE reseller_id = %s")
            owner.execute(deletion.format(sql.Identifier(table)), [tenant_id])
    edge_of(app).brands.forget(tenant_id)


def text_of(page: TestResponse) -> str:
    """What a person reads on a page: its words, single spaces, plain minus."""
    main = page.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    words = re.sub(r"<[^>]+>", " ", main).replace("\xa0", " ").replace("\N{MINUS SIGN}", "-")
    return re.sub(r"\s+", " ", words).replace("&amp;", "&").replace("&#39;", "'")


def is_turned_away(page: TestResponse) -> bool:
    """Whether a page sent its visitor to the sign-in page of its realm."""
    return page.status_code in {302, 303} and "/login" in page.location


@contextmanager
def queries() -> Iterator[list[str]]:
    """Collect every statement that is sent to the database meanwhile, in whatever role.

    Not what is written beside the requests: when API keys were used.
    """
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, query: Any, *rest: Any, **options: Any) -> Any:  # noqa: ANN401 - psycopg's
        if threading.current_thread().name != KeyUses.THREAD:
            statements.append(str(query))
        return execute(cursor, query, *rest, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", note)
        yield statements


def cost_of(browser: Browser, path: str) -> int:
    """How many statements a page takes, once what the process remembers is remembered."""
    browser.get(path)
    with queries() as statements:
        page = browser.get(path)
    assert page.status_code == 200, page.status_code
    return len(statements)
