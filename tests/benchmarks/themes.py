"""What a theme costs: pages in a theme's own templates, and the brand's style sheet."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient

from app.branding import BrandLook, BrandTokens, save_brand
from app.kernel import transaction
from app.settings import Settings
from app.tenancy import TenantScope
from app.web import PAGES
from tests.benchmarks.counting import counted, queries
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
    stated,
)
from tests.benchmarks.loading import Reseller, product_wallets
from tests.benchmarks.signed_in import application
from tests.benchmarks.stage import Stage

PAIRS, VISITS, SHEETS = 40, 25, 2_000
# What a theme overrides here: the same text as ours, so that nothing else differs.
OVERRIDDEN = ("layout.html", "customer/login.html", "_login.html")
HTTP_OK = 200

HOW = f"""
`GET /login` of two resellers in one process, {PAIRS} times {VISITS} visits each, in turns. One
reseller wears a theme that overrides {", ".join(OVERRIDDEN)} with copies of ours: the pages are the
same, and so is all work but finding the theme's templates. The ratio is the median of the pairs'.
`GET /brand.css` goes through the whole application, from the host to the headers, {SHEETS:,} times
after a first one; statements are counted at the database driver.
"""


def measure(stage: Stage) -> list[Figure]:
    """Visit both pages in turns, then ask for the style sheet over and over."""
    settings = stage.database("themes")
    plain, themed = (each.reseller for each in product_wallets(settings, wallets=2, resellers=2))
    with tempfile.TemporaryDirectory(dir=stage.directory) as folder:
        _install(Path(folder))
        for reseller, theme in ((plain, "plain"), (themed, "copy")):
            _dress(reseller, theme)
        with application(settings, themes=Path(folder)) as app, counted(settings) as statements:
            client = app.test_client(use_cookies=False)
            _require_worn(client, settings, themed)
            pairs = [
                _pair(client, settings, plain, themed, number)
                for number in range(stage.count(PAIRS, quick=4))
            ]
            _get(client, settings, themed, "/brand.css")
            queries(statements)
            calls = stage.count(SHEETS, quick=100)
            sheets = [_get(client, settings, themed, "/brand.css") for _ in range(calls)]
            asked = len(queries(statements))
    return _figures(pairs, sheets, asked)


def _figures(pairs: list[tuple[float, float]], sheets: list[float], asked: int) -> list[Figure]:
    ratios = [themed / plain for plain, themed in pairs]
    plain_ms = statistics.median(plain for plain, _ in pairs) * 1e3
    return [
        at_most(
            "a page with overrides, as a share of one without",
            statistics.median(ratios),
            1.05,
            detail=f"pairs from {min(ratios):.2f} to {max(ratios):.2f}",
        ),
        stated("a page without overrides", f"{plain_ms:.2f} ms", "median"),
        at_most("brand.css from the memory", statistics.median(sheets) * 1e3, 1, unit="ms"),
        required("queries of it", "0", str(asked), is_met=asked == 0),
    ]


def _install(folder: Path) -> None:
    theme = folder / "copy"
    for page in OVERRIDDEN:
        target = theme / "templates" / page
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PAGES / "templates" / page, target)
    (theme / "theme.toml").write_text('name = "copy"\ntitle = "Copy"\n', encoding="utf-8")


def _dress(reseller: Reseller, theme: str) -> None:
    scope = TenantScope(reseller.id)
    look = BrandLook(name="Benchmark", tokens=BrandTokens(accent="#123456"), theme=theme)
    with transaction(scope) as session:
        save_brand(session, scope, look=look)


def _require_worn(client: FlaskClient, settings: Settings, reseller: Reseller) -> None:
    page = client.get("/login", base_url=settings.address(reseller.host)).get_data(as_text=True)
    if 'data-theme="copy"' not in page:
        raise BrokenMeasurementError("the theme is not worn")
    time.sleep(1.0)  # the app begins to hear news and forgets once


def _pair(
    client: FlaskClient, settings: Settings, plain: Reseller, themed: Reseller, number: int
) -> tuple[float, float]:
    """Visits of both, one of each in turn; who goes first alternates."""
    order = (plain, themed) if number % 2 else (themed, plain)
    spent: dict[Reseller, float] = dict.fromkeys(order, 0.0)
    for _ in range(VISITS):
        for reseller in order:
            spent[reseller] += _get(client, settings, reseller, "/login")
    return spent[plain] / VISITS, spent[themed] / VISITS


def _get(client: FlaskClient, settings: Settings, reseller: Reseller, path: str) -> float:
    started = time.perf_counter()
    answer = client.get(path, base_url=settings.address(reseller.host))
    spent = time.perf_counter() - started
    if answer.status_code != HTTP_OK:
        raise BrokenMeasurementError(f"{path} answered {answer.status}")
    return spent


BENCHMARK = Benchmark("themes", "What a theme costs", HOW, measure)
