from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.rest.keys import key_of_site_required
from app.api.rest.shapes import ChargeAnswer, Problem, UsageBody
from app.billing import take_in_event, take_in_event_anywhere
from app.edge import Allowance, Where, current_ports, current_scope, declare, is_platform_site
from app.identity import ApiScope

USAGE = Tag(name="Usage", description="Report what was used; it is charged at once.")

bp = APIBlueprint(
    "api_usage",
    __name__,
    url_prefix="/api/v2",
    abp_tags=[USAGE],
    abp_security=[{"api_key": []}],
)
declare(bp, where=Where.ALL_SITES, allowance=Allowance.API, is_for_machines=True)
key_of_site_required(bp, ApiScope.USAGE_WRITE)


@bp.post(
    "/usage",
    summary="Charge a usage event",
    responses={
        200: ChargeAnswer, 201: ChargeAnswer, 401: Problem, 402: Problem, 403: Problem,
        404: Problem, 409: Problem, 422: Problem, 429: Problem, 503: Problem,
    },
)  # fmt: skip
def create(body: UsageBody) -> tuple[dict[str, Any], int]:
    """Charge one event: 201 the first time, 200 with the same answer ever after.

    An id that was used with other content is refused with 409, a wallet that cannot pay with 402;
    the latter binds nothing: send the same event again after a top-up. On the platform's host,
    with a key of the platform, the `subject` says whose usage of which reseller it is.
    """
    now = current_ports().clock()
    if is_platform_site():
        charge = take_in_event_anywhere(body, now=now)
    else:
        charge = take_in_event(current_scope(), body, now=now)
    return ChargeAnswer.of(charge).model_dump(mode="json"), 200 if charge.replayed else 201
