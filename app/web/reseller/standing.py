"""How the reseller stands with the platform: trial, limits, questions, why its site is closed."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import onboarding, tenancy
from app.edge import (
    STANDING_PATH,
    current_brand,
    current_ports,
    current_scope,
    current_site,
    require_signed_in,
    signed_in_required,
)
from app.identity import OWNER_ROLE, Realm, count_customers
from app.kernel import Money, transaction
from app.pricing import NothingSoldError, tax_terms
from app.web.actors import acting
from app.web.forms import submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("standing", __name__, url_prefix=STANDING_PATH)
signed_in_required(bp, Realm.STAFF)

_NO_CURRENCY = "EUR"


@bp.get("")
def standing() -> str:
    """Show the state, what it allows, how it came to be, and what the platform asks."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        trial = tenancy.trial_of(session, scope)
        try:
            currency = tax_terms(session, scope, at=now)[0]
        except NothingSoldError:
            currency = _NO_CURRENCY
        changes = tenancy.state_changes(session, scope)
        questions = onboarding.list_questions(session, scope)
        customers = count_customers(session, scope) if trial else 0
    return render_template(
        "reseller/standing.html",
        state=current_site().state.value,
        trial=trial,
        top_up=Money(trial.top_up_minor, currency) if trial else None,
        customers=customers,
        changes=changes,
        questions=questions,
        may_answer=require_signed_in().role == OWNER_ROLE,
        now=now,
        brand_name=current_brand().name,
    )


@bp.post("")
def answer() -> ResponseReturnValue:
    """Answer a question of the platform."""
    return submitted({"answer": _answer}, page=standing, to=url_for("standing.standing"))


def _answer(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        onboarding.answer_question(
            session,
            scope,
            question_id=typed.identifier("question"),
            answer=typed.optional_text("note"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("Your answer is sent.")
