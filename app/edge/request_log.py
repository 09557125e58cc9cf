"""One line per answer, without personal data, and an id that ties all lines of a request."""

import re

import structlog
from flask import Flask, Response, g, request

from app.edge.metrics import elapsed, route_of_request
from app.edge.site_guard import site_or_none
from app.kernel import new_id

HEADER = "X-Request-ID"
_FOREIGN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

log = structlog.get_logger(__name__)


def log_requests(app: Flask, *, trusts_proxy: bool) -> None:
    """Give every request an id and write a line when it is answered.

    An id from outside is taken only from a proxy of ours: anybody else could forge the thread.
    """

    def name_request() -> None:
        foreign = request.headers.get(HEADER, "") if trusts_proxy else ""
        g.request_id = foreign if _FOREIGN_ID.fullmatch(foreign) else new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def write_line(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        site = site_or_none()
        log.info(
            "request",
            method=request.method,
            route=route_of_request(),
            status=response.status_code,
            ms=round(elapsed() * 1000, 1),
            tenant_id=str(site.tenant_id) if site else None,
            code=g.get("error_code"),
        )
        return response

    app.before_request(name_request)
    app.after_request(write_line)


def request_id() -> str:
    """Return the id of the current request: people may quote it, logs find it."""
    return str(g.request_id)
