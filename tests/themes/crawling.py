"""Follows every link, asset and address of a site, as one person, and keeps what came back."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

from werkzeug.test import TestResponse

from tests.apps import Browser

# An open stream never ends.
ENDLESS = ("/portal/balance/stream",)
ALWAYS = (
    "/", "/login", "/reseller/login", "/portal/", "/reseller/", "/brand.css",
    "/manifest.webmanifest", "/robots.txt", "/favicon.ico", "/nowhere", "/admin/", "/admin/login",
    "/api/v2/openapi.json", "/healthz", "/service-worker.js", "/sw.js", "/offline",
)  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_SCRIPT_PATH = re.compile(r"""["'`](/[a-z][\w/.-]*)["'`]""")
_STYLE_URL = re.compile(r"url\(['\"]?([^)'\"]+)")
_SANDBOX = "sandbox"
# Of pages that differ in an id alone, so many are looked at.
_ENOUGH = 2


@dataclass(frozen=True)
class Found:
    """One answer: where, and all of it that a visitor can see."""

    path: str
    status: int
    kind: str
    headers: str
    text: str


@dataclass
class Crawl:
    """One person's walk through a whole site; nothing but GET."""

    browser: Browser
    found: dict[str, Found] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def walk(self, *more: str) -> dict[str, Found]:
        """Visit everything that can be reached from the usual places and from `more`."""
        waiting = [*ALWAYS, *more]
        while waiting:
            path = waiting.pop(0)
            if path in self.found or path.startswith(ENDLESS) or not self._is_new(path):
                continue
            answer = self.browser.get(path)
            self.found[path] = _kept(path, answer)
            waiting += self._ways(path, answer)
            answer.close()
        return self.found

    def pages(self) -> list[str]:
        """The paths that answered with a page of their own."""
        return [each.path for each in self.found.values() if _is_page(each)]

    def pages_of_one_visit(self) -> list[str]:
        """Walk the site; the paths of its pages, one of each kind.

        Without previews: in their sandbox no script runs, not even one that looks at them.
        """
        self.walk()
        open_pages = [path for path in self.pages() if _SANDBOX not in self.found[path].headers]
        shapes = {_UUID.sub("<id>", urlsplit(path).path): path for path in open_pages}
        return sorted(shapes.values())

    def _is_new(self, path: str) -> bool:
        shape = _UUID.sub("<id>", urlsplit(path).path)
        names = ",".join(sorted(name for name, _ in parse_qsl(urlsplit(path).query)))
        self._seen[f"{shape}?{names}"] += 1
        return self._seen[f"{shape}?{names}"] <= _ENOUGH

    def _ways(self, path: str, answer: TestResponse) -> Iterator[str]:
        for address in _addresses(self.found[path], answer):
            parts = urlsplit(urljoin(f"{self.browser.base_url}{path}", address))
            if parts.netloc == self.browser.host and parts.scheme in {"http", "https"}:
                yield parts.path + (f"?{parts.query}" if parts.query else "")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "get").lower() != "get":
            return
        names = ("href", "src", "action", "poster", "data-poll-url", "data-older")
        self.addresses += [given[name] for name in names if given.get(name)]


def _addresses(found: Found, answer: TestResponse) -> list[str]:
    if answer.location:
        return [answer.location]
    if found.kind == "text/html":
        links = _Links()
        links.feed(found.text)
        return [each for each in links.addresses if not each.startswith(("mailto:", "tel:", "#"))]
    if found.kind in {"text/javascript", "application/javascript"}:
        return [each for each in _SCRIPT_PATH.findall(found.text) if not each.endswith("/")]
    if found.kind == "text/css":
        return [each for each in _STYLE_URL.findall(found.text) if not each.startswith("data:")]
    if found.kind == "application/manifest+json":
        manifest = json.loads(found.text)
        return [icon["src"] for icon in manifest.get("icons", [])] + [manifest["start_url"]]
    return []


def _kept(path: str, answer: TestResponse) -> Found:
    body = answer.get_data()
    text = body.decode("utf-8", "replace") if b"\0" not in body[:1000] else ""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return Found(path, answer.status_code, answer.mimetype or "", headers, text)


def _is_page(found: Found) -> bool:
    return found.kind == "text/html" and found.status == 200
