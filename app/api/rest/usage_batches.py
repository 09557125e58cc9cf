from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import structlog
from flask import Response, stream_with_context
from flask_openapi3.blueprint import APIBlueprint

from app.api.rest.batches import JSON, MOST_EVENTS, NDJSON, ArrayOfEvents, Batch, read_batch
from app.api.rest.keys import key_of_site_required
from app.api.rest.shapes import (
    BatchAnswer,
    ChargeAnswer,
    EventAnswer,
    EventStatus,
    Problem,
)
from app.api.rest.usage import USAGE
from app.billing import Charge, Result, take_in, take_in_everywhere
from app.edge import (
    NO_DATABASE,
    Allowance,
    Where,
    current_ports,
    current_scope,
    declare,
    describe_refusal,
    is_platform_site,
)
from app.identity import ApiScope
from app.kernel import AppError, Kind, translatable

# Balance streams of the same process wait at most for so many events to be rated.
_CHUNK = 500
# What may be charged when it is sent again, without anybody changing the event.
_PASSING = frozenset({Kind.PAYMENT_REQUIRED, Kind.TOO_MANY, Kind.UNAVAILABLE})
_EVENT: dict[str, Any] = {"$ref": "#/components/schemas/UsageBody"}
_BODY: dict[str, Any] = {
    "required": True,
    "description": f"At most {MOST_EVENTS} events.",
    "content": {
        NDJSON: {"schema": _EVENT},
        JSON: {"schema": {"type": "array", "items": _EVENT, "maxItems": MOST_EVENTS}},
    },
}

log = structlog.get_logger(__name__)

bp = APIBlueprint(
    "api_usage_batches",
    __name__,
    url_prefix="/api/v2",
    abp_tags=[USAGE],
    abp_security=[{"api_key": []}],
)
declare(bp, where=Where.ALL_SITES, allowance=Allowance.API, is_for_machines=True)
key_of_site_required(bp, ApiScope.USAGE_WRITE)


class BatchInterruptedError(AppError):
    """The database went away in the middle of a batch: this event may or may not be charged."""

    kind = Kind.UNAVAILABLE
    code = "api.batch_interrupted"
    text = translatable("The batch was interrupted. Send this event again; it is charged once.")


@bp.post(
    "/usage/batch",
    summary="Charge many usage events",
    openapi_extensions={"requestBody": _BODY},
    responses={
        200: BatchAnswer, 401: Problem, 403: Problem, 413: Problem, 422: Problem, 429: Problem,
        503: Problem,
    },
)  # fmt: skip
def create() -> Response:
    """Charge events one after the other and tell what became of each, in the same order.

    Lines of JSON (NDJSON) are answered with lines, an array with an array, while the events are
    being charged. One that is refused leaves the others alone. Whoever did not read the answer to
    its end sends the batch again: every event is charged once.
    """
    batch, size = read_batch()
    now = current_ports().clock()
    if is_platform_site():
        results = take_in_everywhere(batch, now=now, chunk=_CHUNK)
    else:
        results = take_in(current_scope(), batch, now=now, chunk=_CHUNK)
    answers = _answers(batch, size, results)
    # The first chunk decides the status: what refuses it refuses the whole call.
    begun = chain(list(islice(answers, 1)), answers)
    if isinstance(batch, ArrayOfEvents):
        return Response(stream_with_context(_as_array(begun)), mimetype=JSON)
    return Response(stream_with_context(_as_lines(begun)), mimetype=NDJSON)


def _answers(batch: Batch, size: int, results: Iterator[Result]) -> Iterator[str]:
    """Yield an answer for every event, to the last, also where the database goes away."""
    done = 0
    try:
        for result in results:
            yield _answer(done, result)
            done += 1
    except NO_DATABASE:
        if not done:
            raise
        log.exception("usage_batch_interrupted", done=done, events=size)
        for place, event in enumerate(islice(batch, done, None), done):
            yield _answer(place, Result(event.event_id, BatchInterruptedError()))


def _answer(place: int, result: Result) -> str:
    event_id, outcome = result.event_id, result.outcome
    if isinstance(outcome, Charge):
        status = EventStatus.REPEATED if outcome.replayed else EventStatus.CHARGED
        charge = ChargeAnswer.of(outcome)
        answer = EventAnswer(index=place, id=event_id, status=status, charge=charge)
    else:
        fixed = {"index": place, "id": event_id, "status": EventStatus.REFUSED}
        words = describe_refusal(outcome) | {"retry": outcome.kind in _PASSING}
        answer = EventAnswer.model_validate(words | fixed)
    return answer.model_dump_json(exclude_unset=True)


def _as_lines(answers: Iterable[str]) -> Iterator[str]:
    return (f"{answer}\n" for answer in answers)


def _as_array(answers: Iterable[str]) -> Iterator[str]:
    before = "["
    for answer in answers:
        yield f"{before}{answer}"
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"
