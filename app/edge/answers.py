"""How every refusal is answered: one table from kind to status, one page, one problem+json."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import psycopg
import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template
from flask_babel import gettext
from flask_limiter import RateLimitExceeded
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException, InternalServerError

from app.edge.callers import PROBLEM, is_machine
from app.edge.pages import neutral_page
from app.edge.request_log import request_id
from app.edge.site_guard import site_or_none
from app.kernel import AppError, Kind, Money, translatable

STATUS: Mapping[Kind, HTTPStatus] = {
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.PAYMENT_REQUIRED: HTTPStatus.PAYMENT_REQUIRED,
    Kind.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

# What happened, and what it means or what to do.
_WORDS: Mapping[int, tuple[str, str]] = {
    400: (translatable("This request cannot be read"), translatable("Go back and try again.")),
    401: (
        translatable("Please sign in"),
        translatable("This page is only for people who are signed in."),
    ),
    402: (translatable("Balance too low"), translatable("Top up and try again.")),
    403: (translatable("Not allowed"), translatable("Your account is not allowed to do this.")),
    404: (
        translatable("Page not found"),
        translatable("The address is mistyped, or the page has moved."),
    ),
    405: (translatable("This does not work here"), translatable("Go back and try again.")),
    409: (
        translatable("This is out of date"),
        translatable("Something has changed in the meantime. Please check before you try again."),
    ),
    413: (translatable("Too large"), translatable("Send less at once.")),
    422: (translatable("Please check what you entered"), translatable("Go back and correct it.")),
    429: (translatable("Too many attempts"), translatable("Wait a minute, then try again.")),
    500: (
        translatable("Something went wrong on our side"),
        translatable("We have been notified. Check what has been booked before you try again."),
    ),
    503: (
        translatable("Not available at the moment"),
        translatable("Try again in a minute; nothing is lost."),
    ),
}
_RETRY_SECONDS = 30
NO_DATABASE = (exc.OperationalError, exc.TimeoutError, psycopg.OperationalError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request, before it becomes a page or a problem."""

    status: int
    code: str
    message: str
    facts: Mapping[str, object]
    retry_after: int | None = None


def answer_errors(app: Flask) -> None:
    """Answer expected refusals, HTTP errors and bugs the same way everywhere."""
    app.register_error_handler(AppError, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http)
    for error in NO_DATABASE:
        app.register_error_handler(error, _answer_no_database)


def describe_refusal(error: AppError) -> dict[str, object]:
    """Return a refusal as one of many in an answer tells it: its facts, `code` and `detail`."""
    words = {"code": error.code, "detail": gettext(error.text, **error.facts)}
    return {name: _plain(fact) for name, fact in error.facts.items()} | words


def _answer_refusal(error: AppError) -> Response:
    status = STATUS[error.kind]
    retry_after = None
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        stated = error.facts.get("retry_after")
        retry_after = stated if isinstance(stated, int) else _RETRY_SECONDS
    message = gettext(error.text, **error.facts)
    return _answer(Refusal(status.value, error.code, message, error.facts, retry_after))


def _answer_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR.value
    if isinstance(error, InternalServerError):
        g.is_in_trouble = True
    retry_after = None
    if isinstance(error, RateLimitExceeded):
        # The length of the window: at most what is left of it, and known without asking Redis.
        retry_after = int(error.limit.limit.get_expiry())
    title, _ = _words(status)
    phrase = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    answer = _answer(Refusal(status, f"http.{phrase}", gettext(title), {}, retry_after))
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _answer_no_database(error: Exception) -> Response:
    g.is_in_trouble = True
    log.error("database_unavailable", exc_info=error)
    title, _ = _words(HTTPStatus.SERVICE_UNAVAILABLE)
    return _answer(Refusal(503, "edge.database_unavailable", gettext(title), {}, _RETRY_SECONDS))


def _answer(refusal: Refusal) -> Response:
    g.error_code = refusal.code
    if is_machine():
        answer = _problem(refusal)
    elif site_or_none() is None:
        answer = make_response(neutral_page(refusal.status))
    else:
        title, hint = _words(refusal.status)
        body = render_template(
            "errors/error.html",
            status=refusal.status,
            title=gettext(title),
            message=refusal.message,
            hint=gettext(hint),
            code=refusal.code,
        )
        answer = make_response(body)
    answer.status_code = refusal.status
    answer.headers["Cache-Control"] = "no-store"
    if refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def _problem(refusal: Refusal) -> Response:
    """Answer as RFC 9457 says; the facts of the refusal are extension members."""
    title, _ = _words(refusal.status)
    body = {name: _plain(fact) for name, fact in refusal.facts.items()} | {
        "type": f"urn:problem-type:{refusal.code}",
        "title": gettext(title),
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code,
        "request_id": request_id(),
    }
    answer = jsonify(body)
    answer.mimetype = PROBLEM
    return answer


def _plain(fact: object) -> object:
    if isinstance(fact, Money):
        return {"minor": fact.minor, "currency": fact.currency}
    if isinstance(fact, list):
        return [_plain(each) for each in fact]
    if isinstance(fact, dict):
        return {str(name): _plain(each) for name, each in fact.items()}
    return fact if isinstance(fact, str | int | bool | None) else str(fact)


def _words(status: int) -> tuple[str, str]:
    if found := _WORDS.get(status):
        return found
    return _WORDS[400] if status < HTTPStatus.INTERNAL_SERVER_ERROR else _WORDS[500]
