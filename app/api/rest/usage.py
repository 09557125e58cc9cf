from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.rest.keys import key_required
from app.api.rest.shapes import ChargeAnswer, Problem, UsageBody
from app.billing import UsageEvent, charge_usage
from app.edge import Allowance, Where, current_ports, current_scope, declare
from app.identity import ApiScope
from app.kernel import transaction

bp = APIBlueprint(
    "api_usage",
    __name__,
    url_prefix="/api/v2",
    abp_tags=[Tag(name="Usage", description="Report what was used; it is charged at once.")],
    abp_security=[{"api_key": []}],
)
declare(bp, where=Where.RESELLER_SITES, allowance=Allowance.API, is_for_machines=True)
key_required(bp, ApiScope.USAGE_WRITE)


@bp.post(
    "/usage",
    summary="Charge a usage event",
    responses={
        200: ChargeAnswer, 201: ChargeAnswer, 401: Problem, 402: Problem, 404: Problem,
        409: Problem, 422: Problem, 429: Problem,
    },
)  # fmt: skip
def create(body: UsageBody) -> tuple[dict[str, Any], int]:
    """Charge one event: 201 the first time, 200 with the same answer ever after.

    An id that was used with other content is refused with 409, a wallet that cannot pay with 402;
    the latter binds nothing: send the same event again after a top-up.
    """
    scope = current_scope()
    usage = UsageEvent(
        event_id=body.id,
        customer_id=body.customer_id,
        meter=body.meter,
        quantity=body.quantity,
        occurred_at=body.occurred_at,
        counterparty=body.counterparty,
    )
    with transaction(scope, sole=True) as session:
        charge = charge_usage(session, scope, usage=usage, now=current_ports().clock())
    return ChargeAnswer.of(charge).model_dump(mode="json"), 200 if charge.replayed else 201
