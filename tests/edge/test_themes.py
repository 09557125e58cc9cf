"""Themes: whose files they are, what they may override, what they may not see (requirement A3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from jinja2.exceptions import SecurityError
from structlog.testing import capture_logs

from app.edge import edge_of
from app.tenancy import PLATFORM_ID
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.edge.theme_folders import a_site_in, a_theme, an_app_with
from tests.factories import a_platform, a_reseller

LOGIN = "templates/customer/login.html"
PAGE = """{% extends "customer/login.html" %}
{% block content %}<p>Moin!</p>{{ super() }}{% endblock %}"""

Worn = Callable[..., Browser]


@pytest.fixture
def worn(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Worn:
    """A site that wears a theme of these files: `worn({"templates/…": "…"})`."""

    def wear(files: dict[str, str | bytes]) -> Browser:
        a_theme(tmp_path, files)
        return a_site_in(an_app_with(make_app, monkeypatch, tmp_path), "moin")

    return wear


def page_of(site: Browser, path: str = "/login") -> str:
    answer = site.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def test_a_theme_may_extend_any_page_of_its_site(worn: Worn) -> None:
    site = worn({LOGIN: PAGE})

    page = page_of(site)

    assert "<p>Moin!</p>" in page
    assert 'name="password"' in page
    assert 'data-theme="moin"' in page
    assert "<p>Moin!</p>" not in page_of(site, "/reseller/login")


def test_a_theme_has_pieces_of_its_own(worn: Worn) -> None:
    page = '{% extends "customer/login.html" %}{% block content %}{% include "parts/hi.html" %}'
    site = worn(
        {LOGIN: page + "{% endblock %}", "templates/parts/hi.html": "Moin, {{ brand.name }}"}
    )

    assert "Moin, Moin" in page_of(site)


def test_a_theme_dresses_the_error_page(worn: Worn) -> None:
    site = worn({"templates/errors/error.html": "{{ status }}: {{ title }}"})

    answer = site.get("/nowhere")

    assert (answer.status_code, answer.get_data(as_text=True)) == (404, "404: Seite nicht gefunden")


@pytest.mark.parametrize(
    "greed",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__}'.format('') }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ url_for.__globals__ }}",
        "{{ url_for.__self__.config }}",
        "{{ csrf_token.__globals__['current_app'].config }}",
        "{{ csrf_token.__wrapped__ }}",
        "{{ brand.__init__.__globals__ }}",
        "{{ brand.__dataclass_fields__ }}",
        "{{ get_flashed_messages.__code__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ self.__init__.__globals__ }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ namespace.__init__.__globals__ }}",
        "{% set x = [] %}{{ x.append(1) }}",
        "{% for x in range(999999999) %}{% endfor %}",
        "{% import 'components.html' as ui %}{{ ui._body_stream }}{{ ui.ICONS.update(a=1) }}",
        "{{ (joiner|map)._func }}{{ [].__class__.__base__ }}",
        "{{ secret_key }}{{ current_app.config }}{{ ports.gateway }}{{ environ }}",
    ],
)
def test_a_theme_cannot_leave_the_sandbox(worn: Worn, greed: str) -> None:
    site = worn({LOGIN: f"<i>greedy</i>{greed}"})

    page = page_of(site)

    # Jinja refuses some of it aloud, and our own page answers; of the rest nothing is there.
    assert page == "<i>greedy</i>" or 'name="password"' in page
    assert not re.search(r"&lt;|object at|function|class '|SECRET|module", page)


@pytest.mark.parametrize(
    "name",
    ["config", "session", "g", "request", "current_app", "ports", "edge", "app", "environ", "db"],
)
def test_a_theme_sees_no_secrets(worn: Worn, name: str) -> None:
    site = worn({LOGIN: f"{{{{ {name} is defined }}}}"})

    assert page_of(site) == "False"


@pytest.mark.parametrize(
    "asking",
    [
        '{% extends "platform/dashboard.html" %}',
        '{% include "platform/dashboard.html" %}',
        '{% include ["platform/dashboard.html"] %}',
        '{% import "platform/plan.html" as plan %}{{ plan }}',
        '{% include "themes/other/customer/login.html" %}',
    ],
)
def test_a_theme_that_asks_for_pages_it_may_not_have_is_not_used(worn: Worn, asking: str) -> None:
    site = worn({LOGIN: f"secret{asking}"})

    page = page_of(site)

    (report,) = edge_of(site.app).themes.reports
    assert 'data-theme="plain"' in page
    assert "secret" not in page
    assert "which a theme does not have" in report.problems[0]


@pytest.mark.parametrize(
    "asking",
    [
        '{% set layout = "platform/dash" ~ "board.html" %}{% extends "customer/login.html" %}',
        '{% set where = "platform/dashboard.html" %}{% include where %}',
        '{% set where = ["platform/dashboard.html"] %}{% include where %}',
        '{% set where = "themes/other/customer/login.html" %}{% include where %}',
        '{% set layout = "themes/other/customer/login.html" %}{% extends "customer/login.html" %}',
    ],
)
def test_a_name_from_a_variable_leads_to_no_page_of_others(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asking: str
) -> None:
    a_theme(tmp_path, {LOGIN: "other's"}, name="other")
    a_theme(tmp_path, {LOGIN: asking})
    site = a_site_in(an_app_with(make_app, monkeypatch, tmp_path), "moin")

    page = page_of(site)

    report = edge_of(site.app).themes.reports[0]
    assert 'name="password"' in page
    assert "other's" not in page
    assert "TemplateNotFound" in report.failures["themes/moin/customer/login.html"]


def test_two_themes_with_pages_of_one_name_never_mix_under_load(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("left", "right"):
        own = f'{{% extends layout %}}{{% block content %}}[{name}]{{% include "parts/a.html" %}}'
        files = {
            LOGIN: own + "{% endblock %}",
            "templates/parts/a.html": f"({name} for {{{{ brand.name }}}})",
            "templates/layout.html": f"<{name}>{{% block content %}}{{% endblock %}}",
        }
        a_theme(tmp_path, files, name=name)
    app = an_app_with(make_app, monkeypatch, tmp_path)
    names = {"A": "left", "B": "right", "C": "left", "D": "right"}
    sites = {name: a_site_in(app, theme, name=name) for name, theme in names.items()}

    with ThreadPoolExecutor(8) as crowd:
        pages = list(
            crowd.map(lambda name: (name, page_of(Browser(app, sites[name].host))), [*names] * 25)
        )

    for name, page in pages:
        assert page == f"<{names[name]}>[{names[name]}]({names[name]} for {name})"
    assert len(pages) == 100


def test_what_a_theme_imports_forgets_the_reseller_it_saw(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keeper = "{% set kept = namespace(names='') %}"
    keeper += "{% macro note(name) %}{% set kept.names = kept.names ~ name %}{{ kept.names }}"
    page = '{% import "parts/keeper.html" as keeper %}[{{ keeper.note(brand.name) }}]'
    files = {LOGIN: page, "templates/parts/keeper.html": keeper + "{% endmacro %}"}
    a_theme(tmp_path, files)
    app = an_app_with(make_app, monkeypatch, tmp_path)
    sites = [a_site_in(app, "moin", name=name) for name in ("First", "Second")]

    pages = [page_of(site) for site in sites]

    assert pages == ["[First]", "[Second]"]


@pytest.mark.parametrize(
    "slip",
    [
        "{{ nothing.there }}",
        "{{ 1 // 0 }}",
        "{{ brand.name + 1 }}",
        "{{ url_for('no_such_page') }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_where_a_theme_fails_our_own_page_answers_and_it_is_said_once(
    worn: Worn, slip: str
) -> None:
    site = worn({LOGIN: f"half a page{slip}", "templates/layout.html": "never seen"})

    with capture_logs() as logs:
        pages = [page_of(site) for _ in range(3)]

    for page in pages:
        assert 'name="password"' in page
        assert 'data-theme="plain"' in page
        assert "half a page" not in page
    (failure,) = [each for each in logs if each["event"] == "theme_template_failed"]
    assert (failure["theme"], failure["template"]) == ("moin", "themes/moin/customer/login.html")


def test_a_layout_that_fails_costs_no_page(worn: Worn) -> None:
    site = worn({"templates/layout.html": "{{ brand.name + 1 }}"})

    missing = site.get("/nowhere")

    assert 'name="password"' in page_of(site)
    assert missing.status_code == 404
    assert "Seite nicht gefunden" in missing.get_data(as_text=True)


def test_what_a_failed_theme_typed_stays_out_of_the_log(worn: Worn) -> None:
    site = worn({LOGIN: "{{ email|int(base=brand.name) }}{{ (email or 'x') + 1 }}"})

    with capture_logs() as logs:
        site.sign_in("anna@example.com", password="wrong")

    failures = [each for each in logs if each["event"] == "theme_template_failed"]
    assert len(failures) == 1
    assert "anna@" not in str(failures)


def test_our_own_bug_stays_one(worn: Worn) -> None:
    site = worn({LOGIN: PAGE})
    site.app.template_context_processors[None].append(lambda: {"csp_nonce": "no function"})

    with pytest.raises(TypeError):
        site.get("/login")


@pytest.mark.parametrize("way", ["metadata", "registry", "_sa_instance_state", "__table__"])
def test_a_row_of_the_database_leads_a_theme_nowhere(app: Flask, way: str) -> None:
    reseller = a_reseller()
    pages = app.jinja_env

    allowed = pages.from_string("{{ row.slug }}").render(row=reseller)
    with pytest.raises(SecurityError):
        pages.from_string(f"{{{{ row.{way}.anything }}}}").render(row=reseller)

    assert allowed == reseller.slug


def test_an_uninstalled_theme_looks_plain(worn: Worn) -> None:
    shelf = edge_of(worn({}).app).themes

    theme = shelf.get("gone")

    assert (theme.name, theme.layout, theme.css_url) == ("plain", "layout.html", "")
    assert shelf.find("gone") is None


def test_the_platforms_pages_wear_no_theme(worn: Worn) -> None:
    a_platform()
    app = worn({"templates/layout.html": "moin"}).app
    edge_of(app).brands.forget(PLATFORM_ID)

    page = page_of(Browser(app, PLATFORM_DOMAIN), "/admin/login")

    assert 'name="password"' in page


def test_a_static_file_is_kept_for_good_under_the_address_of_its_content(app: Flask) -> None:
    site = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")
    page = site.get("/login").get_data(as_text=True)
    address = page.partition('href="/static/css/')[2].partition('"')[0]

    with_version = site.get(f"/static/css/{address}", buffered=True)
    without = site.get("/static/css/site.css", buffered=True)

    assert address.startswith("site.css?v=")
    assert "max-age=31536000" in with_version.headers["Cache-Control"]
    assert "max-age" not in without.headers["Cache-Control"]
    with_version.close()
    without.close()
