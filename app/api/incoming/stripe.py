from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.edge import Allowance, Where, current_ports, declare
from app.kernel import defer, transaction
from app.payments import HANDLE_EVENT_TASK, store_event
from app.tenancy import PublicScope

bp = Blueprint("stripe_webhook", __name__)
declare(
    bp,
    where=Where.ALL_SITES,
    allowance=Allowance.WEBHOOK,
    is_for_machines=True,
    is_open_when_closed=True,
)


@bp.post("/billing/webhook")
def receive() -> ResponseReturnValue:
    """Store a signed event once and leave it to the worker; a repetition is a success (R4.4).

    Refuses a delivery whose signature over the raw body is missing, wrong, old or from the
    future (R4.1, R4.2), and every delivery while no secret is set.
    """
    event = current_ports().gateway.verify_event(
        request.get_data(cache=False), request.headers.get("Stripe-Signature", "")
    )
    scope = PublicScope()
    with transaction(scope) as session:
        store_event(session, scope, event=event)
        # While its job waits, a repetition adds none; later ones find the event handled.
        defer(
            session,
            HANDLE_EVENT_TASK,
            queueing_lock=f"{HANDLE_EVENT_TASK}:{event.event_id}",
            event_id=event.event_id,
        )
    return {"received": True}
