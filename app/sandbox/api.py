"""The HTTP face of Stripe's API: keys, parameters, faults, answers."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request

from app.sandbox import expansion, faults
from app.sandbox.connection import drop
from app.sandbox.errors import (
    ApiError,
    AuthenticationError,
    RateLimitError,
    ServerError,
    UnknownRouteError,
)
from app.sandbox.events import API_VERSION
from app.sandbox.execution import Answer, Call, execute, written
from app.sandbox.faults import Effect, Fault
from app.sandbox.ids import new_request_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, decode
from app.sandbox.routes import ROUTES, Route
from app.sandbox.store import Store, Transaction

_BROKEN = "An unknown error occurred (scripted fault of the sandbox)."
_BEFORE = frozenset({Effect.ERROR, Effect.RATE_LIMIT, Effect.TIMEOUT})
_DROPPING = frozenset({Effect.LOSE_ANSWER, Effect.TIMEOUT_EXECUTED})


def build(store: Store) -> Blueprint:
    """Return the blueprint of `/v1`."""
    blueprint = Blueprint("api", __name__)
    for number, route in enumerate(ROUTES):
        blueprint.add_url_rule(
            route.path,
            endpoint=f"route_{number}",
            view_func=partial(_answer, store, route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    blueprint.add_url_rule(
        "/v1/<path:rest>",
        endpoint="unknown",
        view_func=_unknown,
        methods=["GET", "POST", "DELETE", "PUT", "PATCH"],
    )
    return blueprint


def _answer(store: Store, route: Route, **ids: str) -> Response:
    request_id = new_request_id()
    try:
        _authenticate()
        fault = _strike(store)
        if fault is not None and fault.effect in _BEFORE:
            return _fail_before(fault, request_id)
        return _executed(store, route, list(ids.values()), fault, request_id)
    except ApiError as error:
        return _response(Answer(error.status, written(error.body())), request_id)


def _unknown(rest: str) -> Response:
    error = UnknownRouteError(
        f"Unrecognized request URL ({request.method}: /v1/{rest}). The sandbox offers a part of"
        " Stripe's API."
    )
    return _response(Answer(error.status, written(error.body())), new_request_id())


def _executed(
    store: Store, route: Route, ids: list[str], fault: Fault | None, request_id: str
) -> Response:
    params = Params(decode(_pairs()))
    effect = fault.effect if fault else None
    call = Call(
        work=_work(route, params, ids),
        request_id=request_id,
        key=_key(),
        fingerprint=_fingerprint(params),
        pause=fault.seconds if fault and effect is Effect.SLOW else 0.0,
        answer_instead=ServerError(_BROKEN) if effect is Effect.ERROR_EXECUTED else None,
    )
    answer = execute(store, call)
    if fault is not None and effect in _DROPPING:
        time.sleep(fault.seconds)
        return drop()
    return _response(answer, request_id)


def _work(route: Route, params: Params, ids: list[str]) -> Callable[[Transaction], Json]:
    def work(tx: Transaction) -> Json:
        paths = params.texts("expand") if params.has("expand") else []
        return expansion.expand(tx, route.work(tx, params, *ids), paths)

    return work


def _authenticate() -> None:
    credentials = request.authorization
    key = ""
    if credentials is not None and credentials.type == "bearer":
        key = credentials.token or ""
    elif credentials is not None and credentials.type == "basic":
        key = credentials.username or ""
    if not key:
        raise AuthenticationError(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not key.startswith("sk_test_") or len(key) == len("sk_test_"):
        raise AuthenticationError(f"Invalid API Key provided: {key[:8]}****{key[-4:]}")


def _strike(store: Store) -> Fault | None:
    with store.transaction() as tx:
        return faults.strike_api(tx, request.method, request.path)


def _fail_before(fault: Fault, request_id: str) -> Response:
    if fault.effect is Effect.TIMEOUT:
        time.sleep(fault.seconds)
        return drop()
    if fault.effect is Effect.RATE_LIMIT:
        raise RateLimitError("Request rate limit exceeded.", code="rate_limit")
    error = ServerError(_BROKEN)
    return _response(Answer(error.status, written(error.body())), request_id)


def _pairs() -> list[tuple[str, str]]:
    query = list(request.args.items(multi=True))
    return query + list(request.form.items(multi=True))


def _key() -> str | None:
    """Return the idempotency key; other methods than POST are idempotent by themselves."""
    return request.headers.get("Idempotency-Key") or None if request.method == "POST" else None


def _fingerprint(params: Params) -> str:
    bound = json.dumps([request.method, request.path, params.values], sort_keys=True)
    return hashlib.sha256(bound.encode()).hexdigest()


def _response(answer: Answer, request_id: str) -> Response:
    response = Response(answer.body, answer.status, content_type="application/json")
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    response.headers["Cache-Control"] = "no-store"
    key = _key()
    if key is not None:
        response.headers["Idempotency-Key"] = key
        response.headers["Original-Request"] = answer.original or request_id
        if answer.original is not None:
            response.headers["Idempotent-Replayed"] = "true"
        if answer.status >= 500 and answer.is_saved:  # noqa: PLR2004 - it would only be replayed
            response.headers["Stripe-Should-Retry"] = "false"
    return response
