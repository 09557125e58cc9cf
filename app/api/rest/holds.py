from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.rest.hold_shapes import CaptureBody, ExtensionBody, HoldAnswer, HoldBody, HoldPath
from app.api.rest.keys import key_required
from app.api.rest.shapes import ChargeAnswer, Problem
from app.billing import capture_credit, hold_credit, raise_hold, read_hold, release_hold
from app.edge import Allowance, Where, current_ports, current_scope, declare
from app.identity import ApiScope
from app.kernel import transaction

bp = APIBlueprint(
    "api_holds",
    __name__,
    url_prefix="/api/v2/holds",
    abp_tags=[Tag(name="Holds", description="Reserve credit before use of unknown length.")],
    abp_security=[{"api_key": []}],
    abp_responses={401: Problem, 403: Problem, 404: Problem, 422: Problem, 429: Problem},
)
declare(bp, where=Where.RESELLER_SITES, allowance=Allowance.API, is_for_machines=True)
key_required(bp, ApiScope.HOLDS_WRITE)


@bp.post(
    "",
    summary="Reserve credit",
    responses={200: HoldAnswer, 201: HoldAnswer, 402: Problem, 409: Problem},
)
def create(body: HoldBody) -> tuple[dict[str, Any], int]:
    """Keep credit back: 201 the first time, 200 with the same hold as it is now ever after.

    A wallet that has too little is refused with 402 and binds nothing.
    """
    hold = hold_credit(
        current_scope(),
        key=body.id,
        payer=body,
        wanted=body.wanted(),
        lasts=body.lasts(),
        now=current_ports().clock(),
    )
    return HoldAnswer.of(hold).model_dump(mode="json"), 200 if hold.replayed else 201


@bp.get("/<uuid:hold_id>", summary="Read a hold", responses={200: HoldAnswer})
def show(path: HoldPath) -> dict[str, Any]:
    """Return a hold as it is now; one whose time is over has expired."""
    scope = current_scope()
    with transaction(scope) as session:
        hold = read_hold(session, scope, hold_id=path.hold_id)
    return HoldAnswer.of(hold).model_dump(mode="json")


@bp.post(
    "/<uuid:hold_id>/capture",
    summary="Charge what was used",
    responses={200: ChargeAnswer, 201: ChargeAnswer, 409: Problem},
)
def capture(path: HoldPath, body: CaptureBody) -> tuple[dict[str, Any], int]:
    """Charge what was used and free the rest: 201 the first time, 200 ever after.

    What it costs beyond the hold is charged as far as the balance goes. A hold that was closed or
    has expired is refused with 409: report the usage without it.
    """
    charge = capture_credit(
        current_scope(),
        hold_id=path.hold_id,
        delivered=body,
        subject=body.subject,
        now=current_ports().clock(),
    )
    return ChargeAnswer.of(charge).model_dump(mode="json"), 200 if charge.replayed else 201


@bp.post("/<uuid:hold_id>/release", summary="Free a hold", responses={200: HoldAnswer})
def release(path: HoldPath) -> dict[str, Any]:
    """Free what is kept back; one that is closed stays as it is."""
    scope = current_scope()
    with transaction(scope) as session:
        hold = release_hold(session, scope, hold_id=path.hold_id)
    return HoldAnswer.of(hold).model_dump(mode="json")


@bp.post(
    "/<uuid:hold_id>/extend",
    summary="Keep more back, or for longer",
    responses={200: HoldAnswer, 402: Problem, 409: Problem},
)
def extend(path: HoldPath, body: ExtensionBody) -> dict[str, Any]:
    """Raise a hold to an amount, let it last for so long from now, or both; safe to repeat."""
    hold = raise_hold(
        current_scope(),
        hold_id=path.hold_id,
        total=body.total(),
        lasts=body.lasts(),
        now=current_ports().clock(),
    )
    return HoldAnswer.of(hold).model_dump(mode="json")
