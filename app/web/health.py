"""What probes and scrapers ask for; they come without a site."""

from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address

import psycopg
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound

from app.edge import METRICS_CONTENT_TYPE, Where, current_edge, declare
from app.kernel import Scope, cursor, transaction
from app.tenancy import PlatformScope, PublicScope

bp = Blueprint("health", __name__)
declare(bp, where=Where.ANY_HOST, is_for_machines=True)

_BEARER = "Bearer "


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that this process answers: nothing else is asked."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Say whether this process can work: both sign-ins of the database, Redis."""
    checks = {
        "database": _reaches_database(PublicScope()),
        "platform_database": _reaches_database(PlatformScope()),
        "redis": _reaches_redis(),
    }
    is_ready = all(checks.values())
    answer = jsonify(
        status="ok" if is_ready else "unavailable",
        checks={name: "ok" if holds else "unavailable" for name, holds in checks.items()},
    )
    return answer, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Answer Prometheus on this machine, or with the token; nobody else learns that it exists."""
    if not (_has_token() or _is_local()):
        raise NotFound
    return Response(current_edge().metrics.text(), content_type=METRICS_CONTENT_TYPE)


def _reaches_database(scope: Scope) -> bool:
    try:
        with transaction(scope) as session:
            cursor(session).execute(b"SELECT 1")
    except (SQLAlchemyError, psycopg.Error):
        return False
    return True


def _reaches_redis() -> bool:
    try:
        return current_edge().news.is_reachable()
    except RedisError:
        return False


def _has_token() -> bool:
    token = current_edge().options.metrics_token
    presented = request.headers.get("Authorization", "").removeprefix(_BEARER)
    return bool(token) and compare_digest(presented.encode(), token.encode())


def _is_local() -> bool:
    # Behind a proxy that nobody told us of, everybody seems local: its header gives it away.
    if request.headers.get("X-Forwarded-For") or request.remote_addr is None:
        return False
    try:
        return ip_address(request.remote_addr).is_loopback
    except ValueError:
        return False
