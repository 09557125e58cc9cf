"""A theme that breaks a rule is not used, and whoever installed it reads why (A3, R25)."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from structlog.testing import capture_logs

from app.edge.theme_checks import STATIC_KINDS, style_problems
from app.edge.themes import Theme, ThemeShelf
from tests.edge.theme_folders import MOIN, OURS, a_theme

LOGIN = "templates/customer/login.html"
SHEET = "static/theme.css"
OPTIONS = """
[options.head]
title = { en = "Heading", de = "Kopf" }
choices.wide = { en = "Wide", de = "Breit" }
choices.plain = "Plain"
default = "wide"

[options.lines]
kind = "switch"
title = "Lines"
default = true

[options.gap]
kind = "number"
title = "Gap"
default = 8
minimum = 0
maximum = 24
unit = "px"
"""


def shelf_of(folder: Path) -> ThemeShelf:
    return ThemeShelf(folder, templates=OURS)


def problems_of(shelf: Path, files: dict[str, str | bytes]) -> str:
    """What is wrong with a theme of these files, and that it is not used."""
    a_theme(shelf, files)
    read = shelf_of(shelf)
    (report,) = read.reports
    assert report.is_broken == bool(report.problems)
    assert (read.find("moin") is None) == report.is_broken
    return "\n".join(report.problems)


def a_good_theme(shelf: Path, text: str) -> Theme:
    a_theme(shelf, {"theme.toml": MOIN + text})
    theme = shelf_of(shelf).find("moin")
    assert theme is not None
    return theme


def test_a_theme_in_order_is_used(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        LOGIN: "moin",
        "templates/parts/a.html": "a",
        SHEET: "@font-face{src:url('fonts/a.woff2')} i{background:url(#x)}",
        "static/fonts/a.woff2": b"wOF2",
        "static/mark.svg": '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/></svg>',
        "README.md": "by me",
    }

    assert problems_of(tmp_path, files) == ""


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ("", "name: Field required"),
        ("name = 'moin'", "title: Field required"),
        ("name = 'moin", "cannot be read"),
        ("name = 'other'\ntitle = 'A'", "not that of the folder"),
        (MOIN + "colour = 'red'", "colour: Extra inputs"),
        (MOIN + "title.de = 'A'", "cannot be read"),
        ("name = 'moin'\ntitle.de = 'A'", "needs an English version"),
        ("name = 'moin'\ntitle.xx = 'A'", "title.xx"),
        (MOIN + "[tokens]\naccent = 'red'", "tokens: red is not on offer"),
        (MOIN + "[tokens]\naccent = 5", "tokens.accent"),
        (MOIN + "[tokens]\nshadow = 'deep'", "tokens: shadow is not on offer"),
        (MOIN + "[tokens]\nradius = 'huge'", "tokens: huge is not on offer"),
        (MOIN + "[options.a]\ntitle='A'\ndefault='x'", "two choices at least"),
        (MOIN + "[options.A]\ntitle='A'\ndefault='x'", "options.A"),
        (
            MOIN + "[options.a]\ntitle='A'\ndefault='z'\nchoices.x='X'\nchoices.y='Y'",
            "default is not among",
        ),
        (
            MOIN + "[options.a]\ntitle='A'\nkind='number'\ndefault=9\nmaximum=8",
            "default is not among",
        ),
        (MOIN + "[options.a]\ntitle='A'\nkind='switch'\ndefault='maybe'", "default is not among"),
        (MOIN + "[options.a]\ntitle='A'\nkind='colour'\ndefault='#fff'", "options.a.kind"),
        (
            MOIN + "[options.a]\ntitle='A'\nkind='number'\ndefault=1\nmaximum=8\nunit='}'",
            "options.a.unit",
        ),
        (MOIN + "[fonts]\npreload = ['gone.woff2']", "there is no static/gone.woff2"),
        (MOIN + "[fonts]\npreload = ['../../x.woff2']", "fonts.preload"),
    ],
)
def test_a_declaration_that_says_something_wrong_is_refused(
    tmp_path: Path, declaration: str, said: str
) -> None:
    assert said in problems_of(tmp_path, {"theme.toml": declaration})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("templates/platform/dashboard.html", "platform's own pages"),
        ("templates/platform/new.html", "platform's own pages"),
        ("templates/components.html", "built from this one"),
        ("templates/shell.html", "built from this one"),
        ("templates/errors/neutral.html", "built from this one"),
        ("templates/customer/nothing.html", "no page of this name"),
        ("templates/customer/login.txt", "no page of this name"),
        ("static/app.js", "only .css"),
        ("static/x.html", "only .css"),
        ("python.py", "belongs into"),
    ],
)
def test_a_file_in_a_wrong_place_is_refused(tmp_path: Path, path: str, said: str) -> None:
    problems = problems_of(tmp_path, {path: "x"})

    assert path in problems
    assert said in problems


@pytest.mark.parametrize("place", ["static/theme.css", LOGIN, "static", "templates"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    folder = a_theme(tmp_path / "shelf", {})
    secret = tmp_path / "secret"
    secret.mkdir()
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).symlink_to(secret)

    (report,) = shelf_of(tmp_path / "shelf").reports

    assert report.is_broken
    assert f"{place} is a link" in report.problems[0]


@pytest.mark.parametrize(
    "css",
    [
        "@import 'other.css';",
        "@import url(https://evil.test/a.css);",
        "@\\69mport 'other.css';",
        "@IMPORT 'other.css';",
        "/* */@import/**/'a';",
        "a{background:url(https://evil.test/a.png)}",
        "a{background:url('//evil.test/a.png')}",
        "a{background:u\\72l(https://evil.test/a.png)}",
        "a{background:url(/portal/)}",
        "a{background:url(../theme.toml)}",
        "a{background:url(../../atelier/static/theme.css)}",
        "a{background:url(gone.svg)}",
        "a{background:url(data:text/html,x)}",
        "a{background:url( 'ht\\74ps://evil.test/a.png' )}",
        "a{background:image-set('https://evil.test/a.png' 1x)}",
        "a{background:image-set('//evil.test/a.png' 1x)}",
        "a{background:url(https://evil.test/a.png",
    ],
)
def test_r25_style_sheets_load_nothing_from_elsewhere(tmp_path: Path, css: str) -> None:
    assert SHEET in problems_of(tmp_path, {SHEET: css})


def test_r25_what_a_comment_says_is_no_address(tmp_path: Path) -> None:
    css = '/* see https://example.org, @import */ a{background:url("data:image/svg+xml,%3Csvg")}'

    assert list(style_problems(css, tmp_path)) == []


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"/>',
        '<svg><a href="javascript:alert(1)"/></svg>',
        '<svg><image href="https://evil.test/a.png"/></svg>',
        "<svg><use xlink:href = //evil.test/a#b /></svg>",
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg/>',
        "<svg><foreignObject/></svg>",
    ],
)
def test_r25_a_drawing_that_acts_is_refused(tmp_path: Path, svg: str) -> None:
    assert "refused in a drawing" in problems_of(tmp_path, {"static/a.svg": svg})


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://evil.test/a.png">',
        "<img\n src=//evil.test/a.png>",
        '<link rel="preconnect" href="//evil.test">',
        '<form action="https://evil.test/">',
        '<iframe src="/portal/"></iframe>',
        '<meta http-equiv="refresh" content="0;url=/x">',
        '<base href="/x/">',
    ],
)
def test_r25_a_page_that_loads_from_elsewhere_is_refused(tmp_path: Path, page: str) -> None:
    assert LOGIN in problems_of(tmp_path, {LOGIN: page})


def test_a_link_that_a_person_follows_may_lead_away(tmp_path: Path) -> None:
    page = '{# see <img src="//a"> #}<a href="https://hilfe.example">?</a>'

    assert problems_of(tmp_path, {LOGIN: page}) == ""


def test_a_large_file_and_a_page_that_is_no_text_are_refused(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path, {SHEET: b" " * 300_001, LOGIN: b"\xff\xfe", "static/a.svg": b"\xff"}
    )

    assert "larger than" in problems
    assert problems.count("no text in UTF-8") == 2


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("{% if %}", "line 1"),
        ("\n\n{{ 1|no_such_filter }}", "line 3: No filter named"),
        ("{% extends 'customer/gone.html' %}", "asks for customer/gone.html"),
        ("{% include 'parts/gone.html' %}", "asks for parts/gone.html"),
        ("{% do x %}", "unknown tag 'do'"),
    ],
)
def test_a_page_that_does_not_compile_breaks_its_theme_and_no_other(
    app: Flask, tmp_path: Path, page: str, said: str
) -> None:
    a_theme(tmp_path, {LOGIN: page})
    a_theme(tmp_path, {LOGIN: '{% extends "customer/login.html" %}'}, name="good")
    shelf = shelf_of(tmp_path)

    with capture_logs() as logs:
        shelf.compile(app.jinja_env.overlay(loader=shelf.loader()))

    assert [theme.name for theme in shelf.installed] == ["good"]
    assert shelf.get("moin").name == "plain"
    (broken,) = [each for each in logs if each["event"] == "theme_broken"]
    assert broken["theme"] == "moin"
    assert said in broken["problems"][0]


def test_options_become_attributes_and_properties(tmp_path: Path) -> None:
    theme = a_good_theme(tmp_path, OPTIONS)

    chosen = {"head": "plain", "lines": "off", "gap": "12"}

    assert theme.attributes(chosen) == {"data-theme-head": "plain", "data-theme-lines": "off"}
    assert theme.css(chosen) == ":root{--theme-gap:12px;}\n"
    assert [theme.options[name].title_in("de") for name in theme.options] == [
        "Kopf",
        "Lines",
        "Gap",
    ]
    assert theme.options["head"].choice_in("wide", "de") == "Breit"
    assert theme.options["head"].choice_in("plain", "fr") == "Plain"


@pytest.mark.parametrize(
    "evil",
    [
        {"head": "x", "lines": "maybe", "gap": "25"},
        {"gap": "1px;}body{display:none"},
        {"gap": "٣", "head": '"><script>'},
        {"gap": "", "lines": "true"},
        {"unknown": "x"},
        {},
    ],
)
def test_a_value_that_is_not_on_offer_leaves_the_usual_one(
    tmp_path: Path, evil: dict[str, str]
) -> None:
    theme = a_good_theme(tmp_path, OPTIONS)

    assert theme.chosen(evil) == {"head": "wide", "lines": "on", "gap": "8"}
    assert theme.css(evil) == ":root{--theme-gap:8px;}\n"


def test_the_kinds_of_files_hold_nothing_that_runs() -> None:
    assert STATIC_KINDS.isdisjoint({".js", ".mjs", ".html", ".xml", ".wasm", ".json"})
