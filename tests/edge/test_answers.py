"""How refusals and bugs are answered, to people and to programs."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from flask import Blueprint, Flask
from werkzeug.exceptions import NotFound
from werkzeug.test import TestResponse

from app.edge import SiteApp, Where, declare, seal
from app.edge.answers import STATUS
from app.kernel import AppError, Kind, Money
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_reseller


class OutOfCreditError(AppError):
    kind = Kind.PAYMENT_REQUIRED
    code = "test.out_of_credit"
    text = "You have %(left)s left."


class BusyError(AppError):
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "test.busy"
    text: ClassVar[str] = "Busy."


ID = UUID(int=7)
RAISED: dict[str, Callable[[], Exception]] = {
    "credit": lambda: OutOfCreditError(left="3 apples", price=Money(190, "EUR"), wallet=ID),
    "busy": lambda: BusyError(retry_after=7),
    "missing": NotFound,
    "bug": lambda: RuntimeError("secret detail"),
    "database": lambda: psycopg.OperationalError("password of the server"),
}


@pytest.fixture
def broken(make_app: Callable[..., Flask]) -> Browser:
    """A site where every refusal has an address of its own."""
    app = make_app()
    pages = Blueprint("trouble", __name__)
    declare(pages, where=Where.RESELLER_SITES)

    @pages.get("/trouble/<name>")
    @pages.get("/api/trouble/<name>", endpoint="for_programs")
    def make_trouble(name: str) -> str:
        trouble = RAISED[name]()
        raise trouble

    # The factory has sealed the app; a test may add a page before the first request.
    app.register_blueprint(pages)
    for cached in ("_url_maps", "_siteless_paths"):
        app.__dict__.pop(cached, None)
    return Browser(app, f"{a_reseller(name='Nordlicht Telefonie').slug}.{PLATFORM_DOMAIN}")


def test_every_kind_has_its_status() -> None:
    assert set(STATUS) == set(Kind)
    assert min(STATUS.values()) >= HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("credit", 402, "test.out_of_credit"),
        ("busy", 503, "test.busy"),
        ("missing", 404, "http.not_found"),
        ("bug", 500, "http.internal_server_error"),
        ("database", 503, "edge.database_unavailable"),
    ],
)
def test_people_get_a_page_in_the_sites_brand_and_programs_a_problem(
    broken: Browser, name: str, status: int, code: str
) -> None:
    page = broken.get(f"/trouble/{name}")
    problem = broken.get(f"/api/trouble/{name}")
    asked_for_data = broken.get(f"/trouble/{name}", headers={"Accept": "application/json"})

    assert page.status_code == problem.status_code == asked_for_data.status_code == status
    assert page.mimetype == "text/html"
    assert "Nordlicht Telefonie" in page.get_data(as_text=True)
    assert page.headers["X-Request-ID"] in page.get_data(as_text=True)
    for told in (problem, asked_for_data):
        assert told.mimetype == "application/problem+json"
        assert body_of(told)["code"] == code
        assert body_of(told)["status"] == status
        assert body_of(told)["type"] == f"urn:problem-type:{code}"
        assert body_of(told)["request_id"] == told.headers["X-Request-ID"]


def body_of(answer: TestResponse) -> dict[str, object]:
    body: dict[str, object] = answer.json or {}
    return body


def test_facts_fill_the_sentence_and_travel_with_the_problem(broken: Browser) -> None:
    problem = body_of(broken.get("/api/trouble/credit"))

    assert problem["detail"] == "You have 3 apples left."
    assert problem["price"] == {"minor": 190, "currency": "EUR"}
    assert problem["wallet"] == str(ID)
    assert "You have 3 apples left." in broken.get("/trouble/credit").get_data(as_text=True)


def test_what_will_pass_says_when_to_come_again(broken: Browser) -> None:
    assert broken.get("/trouble/busy").headers["Retry-After"] == "7"
    assert broken.get("/trouble/database").headers["Retry-After"] == "30"


def test_a_bug_shows_nothing_and_is_logged_with_its_traceback(
    broken: Browser, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        page = broken.get("/trouble/bug")
    written = caplog.text + capsys.readouterr().out

    assert b"secret detail" not in page.data
    assert b"Traceback" not in page.data
    assert "unexpected_exception" in written
    assert "RuntimeError" in written


@pytest.mark.parametrize("name", ["missing", "credit"])
def test_a_refusal_is_no_bug_and_leaves_no_traceback(
    broken: Browser, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    broken.get(f"/trouble/{name}")

    assert "Traceback" not in capsys.readouterr().out


def test_a_wrong_method_says_which_are_right(app: Flask) -> None:
    browser = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")

    answer = browser.client.get("/logout", base_url=browser.base_url)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_too_large_a_body_is_refused(app: Flask) -> None:
    browser = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")

    answer = browser.post("/login", {"email": "x" * 3_000_000})

    assert answer.status_code == 413


def test_a_blueprint_that_declares_nothing_is_a_bug(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.register_blueprint(Blueprint("undeclared", __name__))
    undeclared = Blueprint("with_route", __name__)
    undeclared.add_url_rule("/somewhere", view_func=lambda: "")
    app.register_blueprint(undeclared)
    for cached in ("_url_maps", "_siteless_paths"):
        app.__dict__.pop(cached, None)

    assert isinstance(app, SiteApp)
    with pytest.raises(LookupError, match="with_route"):
        seal(app)
