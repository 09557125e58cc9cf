"""Runs one API request under Stripe's rules for idempotency keys.

docs.stripe.com/api/idempotent_requests: the first result of a key, also a 500, is saved and
replayed once execution began; other parameters, and a second request while the first runs, are
refused; keys are forgotten after 24 hours.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.sandbox import clock
from app.sandbox.errors import ApiError, InvalidParameterError, KeyInUseError, KeyReusedError
from app.sandbox.json_types import Json
from app.sandbox.store import Caller, Store, Transaction

_KEY_LIFETIME = 24 * 60 * 60
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire; `original` names the request that was replayed."""

    status: int
    body: str
    original: str | None = None
    is_saved: bool = False


@dataclass(frozen=True)
class Call:
    """One request whose parameters are decoded: `fingerprint` is what a key is bound to."""

    work: Callable[[Transaction], Json]
    request_id: str
    key: str | None = None
    fingerprint: str = ""
    pause: float = 0.0
    answer_instead: ApiError | None = None


def execute(store: Store, call: Call) -> Answer:
    """Execute the call once, or replay what its key is bound to."""
    if call.key is not None:
        replayed = _claim(store, call)
        if replayed is not None:
            return replayed
    time.sleep(call.pause)
    try:
        with store.transaction(Caller(call.request_id, call.key)) as tx:
            clock.run_due(tx)
            answer = _attempt(tx, call)
            if call.key is not None and answer.is_saved:
                tx.run(
                    "UPDATE keys SET status = ?, body = ? WHERE key = ?",
                    answer.status,
                    answer.body,
                    call.key,
                )
            elif call.key is not None:
                _free(tx, call.key)
    except BaseException:
        if call.key is not None:
            with store.transaction() as tx:
                _free(tx, call.key)
        raise
    return answer


def forget_unfinished(tx: Transaction) -> None:
    """Free the keys of requests that died with an earlier process."""
    tx.run("DELETE FROM keys WHERE status IS NULL")


def _attempt(tx: Transaction, call: Call) -> Answer:
    try:
        body = _worked(tx, call)
    except ApiError as refusal:
        return Answer(refusal.status, written(refusal.body()), is_saved=refusal.is_saved)
    instead = call.answer_instead
    if instead is not None:
        return Answer(instead.status, written(instead.body()), is_saved=True)
    return Answer(200, written(body), is_saved=True)


def _worked(tx: Transaction, call: Call) -> Json:
    """Do the work; undo it if it is refused, unless the refusal leaves traces."""
    kept: ApiError | None = None
    body: Json = {}
    with tx.savepoint():
        try:
            body = call.work(tx)
        except ApiError as error:
            if not error.keeps_changes:
                raise
            kept = error
    if kept is not None:
        raise kept
    return body


def _claim(store: Store, call: Call) -> Answer | None:
    key = call.key or ""
    if len(key) > _LONGEST_KEY:
        raise InvalidParameterError("Idempotency keys can have up to 255 characters")
    with store.transaction() as tx:
        tx.run("DELETE FROM keys WHERE created < ?", tx.now - _KEY_LIFETIME)
        found = tx.rows("SELECT * FROM keys WHERE key = ?", key)
        if not found:
            tx.run(
                "INSERT INTO keys (key, fingerprint, request_id, created) VALUES (?, ?, ?, ?)",
                key,
                call.fingerprint,
                call.request_id,
                tx.now,
            )
            return None
    row = found[0]
    if row["fingerprint"] != call.fingerprint:
        raise KeyReusedError(
            "Keys for idempotent requests can only be used with the same parameters they were first"
            f" used with. Try using a key other than '{key}' if you meant to execute a different"
            " request."
        )
    if row["status"] is None:
        raise KeyInUseError(
            "There is currently another in-progress request using this Idempotent Key (that"
            " probably means you submitted twice, and the other request is still going through):"
            f" {key}. Please try again later.",
            code="idempotency_key_in_use",
        )
    return Answer(row["status"], row["body"], original=row["request_id"], is_saved=True)


def _free(tx: Transaction, key: str) -> None:
    tx.run("DELETE FROM keys WHERE key = ? AND status IS NULL", key)


def written(body: Json) -> str:
    """Return JSON in Stripe's own layout."""
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
