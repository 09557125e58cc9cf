"""The balance that moves: a stream of server-sent events, and JSON for those who poll.

Whose balance it is comes from the signed-in session alone; there is no parameter to ask with.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn
from uuid import UUID

from babel import Locale
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_sse import ServerSentEventsBlueprint
from redis import Redis

from app.billing import Wallet, get_wallet, get_wallet_by_id, wallet_credit
from app.edge import (
    SignInNeededError,
    current_scope,
    is_acting,
    require_signed_in,
    signed_in_required,
)
from app.identity import Realm
from app.kernel import AppError, Kind, now, transaction, translatable
from app.tenancy import TenantScope
from app.web.live_hub import LiveHub
from app.web.live_states import LiveState, Reading
from app.web.live_stream import BalanceStream, StreamTimes

EXTENSION = "kontor.live"
# Fewer than the pool has connections: thousands that reconnect leave some for every other page.
_READS_AT_ONCE = 4


class StreamUnavailableError(AppError):
    """Nothing can be heard at the moment; whoever asks for a stream polls instead."""

    kind = Kind.UNAVAILABLE
    code = "web.stream_unavailable"
    text = translatable("Live updates are interrupted. The balance is asked for instead.")


class StockStreamError(NotImplementedError):
    """flask-sse's own view takes the channel from the client: a leak, so it does not exist here."""


# `Blueprint` a second time, for mypy: flask-sse ships no types.
class LiveBlueprint(ServerSentEventsBlueprint, Blueprint):  # type: ignore[misc]
    """flask-sse's blueprint without its view and without its connection per stream."""

    @property
    def redis(self) -> Redis:
        """The pooled client of the process."""
        return _live().hub.client

    def messages(self, channel: str = "sse") -> NoReturn:
        """Refuse: streams listen to the hub."""
        raise StockStreamError(channel)

    def stream(self) -> NoReturn:
        """Refuse: it is routed nowhere."""
        raise StockStreamError


@dataclass(frozen=True)
class Live:
    """What the views below need of their process."""

    hub: LiveHub
    times: StreamTimes
    gate: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_READS_AT_ONCE)
    )
    chance: random.Random = field(default_factory=random.SystemRandom)


bp = LiveBlueprint("live", __name__, url_prefix="/portal")


def register(app: Flask, hub: LiveHub, *, times: StreamTimes | None = None) -> None:
    """Serve balances from this hub."""
    app.extensions[EXTENSION] = Live(hub, times or StreamTimes())
    app.register_blueprint(bp)


@bp.before_request
def _wait_for_a_place() -> None:
    """Queue before the session is looked up: that needs a connection, too."""
    gate = _live().gate
    gate.acquire()
    g.live_place = gate


@bp.teardown_request
def _leave_the_place(_error: BaseException | None) -> None:
    """Make room as the answer begins: a stream that runs holds no place."""
    place: threading.BoundedSemaphore | None = g.pop("live_place", None)
    if place is not None:
        place.release()


signed_in_required(bp, Realm.CUSTOMER)


@bp.get("/balance")
def balance() -> ResponseReturnValue:
    """Answer the balance as JSON; 304 while it has not moved."""
    scope, customer_id = current_scope(), _customer_id()
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=customer_id)
        state = LiveState.from_credit(wallet_credit(session, scope, wallet=wallet, now=now()))
    locale = _locale()
    answer = jsonify(_reading(wallet, locale).render(state))
    answer.set_etag(f"{wallet.id}-{state.mark}-{state.available.minor}-{locale}")
    return answer.make_conditional(request)


@bp.get("/balance/stream")
def stream() -> ResponseReturnValue:
    """Stream the balance; the database connection is back in its pool before the first byte."""
    scope, customer_id, live = current_scope(), _customer_id(), _live()
    # A stream outlives the session it began in, and a visit ends the moment the customer says so.
    # Its page polls instead: each time it is asked who is there.
    if live.hub.is_deaf or is_acting():
        raise StreamUnavailableError
    with ExitStack() as undo:
        with transaction(scope) as session:
            wallet = get_wallet(session, scope, customer_id=customer_id)
            # Listen, then read: what is charged in between arrives as a message.
            listener = live.hub.listen(f"wallet.{wallet.id}")
            undo.callback(listener.close)
            first = LiveState.from_credit(wallet_credit(session, scope, wallet=wallet, now=now()))
        words = BalanceStream(
            listener,
            first,
            read=partial(_read_again, live.gate, scope, wallet.id),
            render=_reading(wallet, _locale()).render,
            seen=request.headers.get("Last-Event-ID", ""),
            times=live.times,
            chance=live.chance,
        )
        undo.pop_all()
    return _event_stream(words)


def _event_stream(words: Iterator[str]) -> Response:
    answer = Response(words, mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _read_again(gate: threading.BoundedSemaphore, scope: TenantScope, wallet_id: UUID) -> LiveState:
    with gate, transaction(scope) as session:
        wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
        return LiveState.from_credit(wallet_credit(session, scope, wallet=wallet, now=now()))


def _reading(wallet: Wallet, locale: Locale) -> Reading:
    return Reading(str(wallet.id), wallet.low_balance_minor, locale)


def _customer_id() -> UUID:
    holder = require_signed_in()
    if holder.customer_id is None:
        raise SignInNeededError
    return holder.customer_id


def _locale() -> Locale:
    return get_locale() or Locale("de")


def _live() -> Live:
    found: Live = current_app.extensions[EXTENSION]
    return found
