"""The Flask application: Stripe's API, the hosted page and the developer's page on one store."""

from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox import api, faults, hosted, mailbox, panel
from app.sandbox.connection import drop
from app.sandbox.errors import UnavailableError
from app.sandbox.store import Store

_LARGEST_BODY = 2 * 1024 * 1024


def build(store: Store) -> Flask:
    """Return the application."""
    application = Flask(__name__)
    application.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    application.jinja_env.filters["moment"] = _moment
    for blueprint in (
        api.build(store),
        hosted.build(store),
        panel.build(store),
        mailbox.build(store),
    ):
        application.register_blueprint(blueprint)
    application.register_error_handler(HTTPException, _refused)
    application.after_request(_harden)

    @application.before_request
    def answer_if_dead() -> Response | None:
        if request.path.startswith("/_sandbox/"):
            return None
        with store.transaction() as tx:
            mode = faults.is_dead(tx)
        if mode == "refuse":
            return drop()
        return _unavailable() if mode else None

    return application


def _moment(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _unavailable() -> Response:
    error = UnavailableError("Stripe is unavailable (the sandbox is switched off).")
    response = jsonify(error.body())
    response.status_code = error.status
    return response


def _refused(error: HTTPException) -> AnyResponse:
    """Answer what Flask itself refuses; customers see a page in their words."""
    is_page = request.path.startswith(("/c/", "/receipts/")) or request.path == "/"
    return hosted.unknown_page() if error.code == 404 and is_page else error.get_response()  # noqa: PLR2004


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("X-Frame-Options", "DENY")
    return response
