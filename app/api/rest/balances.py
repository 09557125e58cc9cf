from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.rest.keys import key_required
from app.api.rest.shapes import BalanceAnswer, CustomerPath, Problem
from app.billing import get_wallet, wallet_credit
from app.edge import Allowance, Where, current_ports, current_scope, declare
from app.identity import ApiScope
from app.kernel import transaction

bp = APIBlueprint(
    "api_balances",
    __name__,
    url_prefix="/api/v2",
    abp_tags=[Tag(name="Customers", description="What a customer's wallet holds.")],
    abp_security=[{"api_key": []}],
)
declare(bp, where=Where.RESELLER_SITES, allowance=Allowance.API, is_for_machines=True)
key_required(bp, ApiScope.BALANCE_READ)


@bp.get(
    "/customers/<uuid:customer_id>/balance",
    summary="Read a customer's balance",
    responses={200: BalanceAnswer, 401: Problem, 403: Problem, 404: Problem, 429: Problem},
)
def show(path: CustomerPath) -> dict[str, Any]:
    """Return what the customer's wallet holds now; the portal shows the same."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=path.customer_id)
        credit = wallet_credit(session, scope, wallet=wallet, now=now)
    answer = BalanceAnswer.of(wallet, credit, now)
    return answer.model_dump(mode="json")
