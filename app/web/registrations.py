"""Customers who register by themselves, where the reseller lets them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import billing, identity
from app.branding import find_brand
from app.edge import (
    LOGIN_PATHS,
    Allowance,
    Where,
    current_ports,
    current_scope,
    declare,
)
from app.identity import (
    InvalidEmailError,
    LinkRefusedError,
    NameRefusedError,
    Realm,
    RegistrationClosedError,
    ShownText,
    TextKind,
    WeakPasswordError,
)
from app.kernel import AppError, Kind, transaction, translatable
from app.pricing import NothingSoldError, tax_terms
from app.web.forms import Elsewhere, submitted
from app.web.mailed_links import link_id_of, never_keep, refused_link
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("registrations", __name__)
declare(bp, where=Where.RESELLER_SITES, allowance=Allowance.SIGN_IN)

REGISTER_PATH = "/register"
# Crockford's alphabet: no letter that is read as a digit. Seven of them are a number in 34 billion.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_LENGTH = 7
_FIELDS: Mapping[type[AppError], str] = {InvalidEmailError: "email", WeakPasswordError: "password"}


class TermsNotAcceptedError(AppError):
    """The box beside the terms was not ticked."""

    kind = Kind.INVALID
    code = "web.terms_not_accepted"
    text = translatable("Please read the terms and accept them.")


class TermsChangedError(AppError):
    """The terms were changed while the form was open: what is accepted must be what was shown."""

    kind = Kind.CONFLICT
    code = "web.terms_changed"
    text = translatable("The terms have just been changed. Please read and accept the new ones.")


@bp.get(REGISTER_PATH)
def form() -> str:
    """Ask a stranger who she is, or say that accounts are made by invitation."""
    terms = shown_terms()
    return render_template(
        "customer/register.html",
        is_open=is_registration_possible(),
        is_sent="sent" in request.args,
        terms=terms,
        terms_version=terms.content_hash.hex() if terms else "",
        login_url=LOGIN_PATHS[Realm.CUSTOMER],
        register_url=REGISTER_PATH,
    )


@bp.post(REGISTER_PATH)
def send() -> ResponseReturnValue:
    """Have the address confirmed; whether it has an account is told by mail alone."""
    return submitted({"register": _register}, page=form, to=REGISTER_PATH)


@bp.get("/email/confirm/<token>")
def confirmation(token: str) -> str:
    """Ask for the password of the registration: whoever reads the mail need not have sent it."""
    scope = current_scope()
    with transaction(scope) as session:
        found = identity.read_registration(
            session, scope, link_id=link_id_of(token), now=current_ports().clock()
        )
    return render_template("customer/confirm.html", company=found.company, name=found.name)


@bp.post("/email/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Make a customer of a registration."""
    return submitted(
        {"confirm": partial(_confirm, token)},
        page=partial(confirmation, token),
        to=LOGIN_PATHS[Realm.CUSTOMER],
    )


@bp.errorhandler(LinkRefusedError)
def refused(refused: LinkRefusedError) -> ResponseReturnValue:
    """Say why a link confirms nothing."""
    return refused_link(refused, again_url=LOGIN_PATHS[Realm.CUSTOMER], again=_("To the sign-in"))


bp.after_request(never_keep)


def is_registration_possible() -> bool:
    """Return whether a stranger may register here now: it is open, and something is sold."""
    scope = current_scope()
    with transaction(scope) as session:
        if not identity.is_registration_open(session, scope):
            return False
        try:
            tax_terms(session, scope, at=current_ports().clock())
        except NothingSoldError:
            return False
    return True


def shown_terms() -> ShownText | None:
    """Return the terms that a customer accepts here: the text, or the link; None: no terms."""
    scope = current_scope()
    with transaction(scope) as session:
        look = find_brand(session, scope)
    content = (look.terms_text.strip() or look.terms_url) if look else ""
    return ShownText(TextKind.TERMS, look.name, content) if look and content else None


def _register(typed: Typed) -> Elsewhere:
    scope, now = current_scope(), current_ports().clock()
    if not is_registration_possible():
        raise RegistrationClosedError
    terms = shown_terms()
    if terms is not None:
        if typed.optional_text("terms_version") != terms.content_hash.hex():
            raise TermsChangedError(field="terms")
        if not typed.is_ticked("terms"):
            raise TermsNotAcceptedError(field="terms")
    try:
        with transaction(scope) as session:
            identity.register(
                session,
                scope,
                company=typed.text("company"),
                name=typed.text("name"),
                email=typed.optional_text("email"),
                password=typed.secret("password"),
                terms=terms,
                now=now,
            )
    except (InvalidEmailError, WeakPasswordError, NameRefusedError) as refused:
        raise type(refused)(**refused.facts, field=_FIELDS.get(type(refused), "name")) from refused
    return Elsewhere(f"{REGISTER_PATH}?sent=1")


def _confirm(token: str, typed: Typed) -> str:
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        currency = tax_terms(session, scope, at=now)[0]
        customer = identity.confirm_registration(
            session,
            scope,
            link_id=link_id_of(token),
            password=typed.secret("password"),
            number=_number(),
            now=now,
        )
        billing.open_wallet(session, scope, customer_id=customer.id, currency=currency)
    return _("Your account is ready. Please sign in.")


def _number() -> str:
    return "R-" + "".join(secrets.choice(_LETTERS) for _letter in range(_NUMBER_LENGTH))
