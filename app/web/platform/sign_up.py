"""The public sign-up of resellers: form, check of the name as it is typed, confirmation."""

from __future__ import annotations

from uuid import UUID, uuid4

from babel import Locale
from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app import branding, identity, onboarding
from app.branding import BrandRefusedError, BrandTokens, PictureKind, colour_roles
from app.edge import (
    LOGIN_PATHS,
    STATUS,
    Allowance,
    Where,
    address_of,
    current_edge,
    current_ports,
    current_site,
    declare,
)
from app.identity import Realm
from app.kernel import AppError, transaction
from app.onboarding import (
    COUNTRIES,
    ResellerApplication,
    SignUp,
    SignUpClosedError,
    SignUpNotFoundError,
    SignUpTerms,
)
from app.tenancy import LookalikeError, PlatformScope, SlugTakenError, slug_from
from app.web.forms import Elsewhere, reason_of, submitted
from app.web.typed import Typed
from app.web.uploads import uploaded_picture
from app.web.words import gettext as _

bp = Blueprint("sign_up", __name__)
declare(bp, where=Where.PLATFORM_SITE, allowance=Allowance.SIGN_UP)
names = Blueprint("sign_up_names", __name__)
declare(names, where=Where.PLATFORM_SITE, allowance=Allowance.NAME_CHECK)

_PLATFORM = PlatformScope()
DEFAULT_COUNTRY, DEFAULT_ACCENT = "DE", "#2f5d9b"
# No person sees it; a program that fills in every field does.
HONEYPOT = "website"


@bp.get("/signup")
def form() -> str:
    """Ask who she is and what her site is to be called."""
    if not _terms().is_open:
        raise SignUpClosedError
    locale = get_locale() or Locale("de")
    countries = sorted(
        ((str(locale.territories.get(code, code)), code) for code in COUNTRIES),
        key=lambda each: each[0],
    )
    return render_template(
        "platform/sign_up.html",
        countries=countries,
        country=DEFAULT_COUNTRY,
        accent=DEFAULT_ACCENT,
        terms=_terms(),
        domain=current_site().host,
        request_key=request.form.get("request_key") or str(uuid4()),
        honeypot=HONEYPOT,
    )


@bp.post("/signup")
def sign_up() -> ResponseReturnValue:
    """Keep what she typed until she has confirmed her address."""
    return submitted({"sign_up": _sign_up}, page=form, to=url_for("sign_up.sent"))


@bp.get("/signup/sent")
def sent() -> str:
    """Say that a link is on its way; the same to everybody."""
    return render_template("platform/sign_up_sent.html")


@bp.get("/signup/confirm/<token>")
def confirmation(token: str) -> str:
    """Show what will be opened, or where it is; nothing happens until she says so.

    Programs that follow links in mails would open sites otherwise.
    """
    return _confirmation(_find(token), refused=None)


@bp.post("/signup/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Open the site, with a logo where one was chosen."""
    found, slug = _find(token), request.form.get("slug", "").strip().lower()
    try:
        logo = uploaded_picture(PictureKind.LOGO)
        with transaction(_PLATFORM) as session:
            opened = onboarding.confirm_sign_up(
                session,
                _PLATFORM,
                application_id=found.id,
                terms=_terms(),
                platform_names=platform_names(),
                now=current_ports().clock(),
                slug=slug or None,
                logo=logo,
            )
    except AppError as refused:
        if refused.facts.get("field") not in {"slug", PictureKind.LOGO.value}:
            raise
        return _confirmation(found, refused=refused), STATUS[refused.kind].value
    current_edge().sites.forget(_host(opened))
    return redirect(url_for("sign_up.confirmation", token=token), 303)


@bp.get("/reseller/email/confirm/<token>")
def from_mail(token: str) -> ResponseReturnValue:
    """Lead on from the address that mails for staff have: her site is not there yet."""
    return redirect(url_for("sign_up.confirmation", token=token), 302)


@names.get("/signup/name")
def check_name() -> ResponseReturnValue:
    """Say whether a name is free, or suggest one; and how an accent colour will look."""
    slug = request.args.get("slug", "").strip().lower()[:80]
    company = request.args.get("company", "")[:200]
    if not slug and company:
        slug = _suggested(company)
    reason = _why_not(slug) if slug else ""
    words = _("This name is free.") if slug and not reason else reason
    answer = {"slug": slug, "is_free": bool(slug) and not reason, "text": words}
    return jsonify(answer | _colours(request.args.get("accent", "")))


def platform_names() -> frozenset[str]:
    """Return what the platform itself is called: nobody else may pass for it."""
    site = current_site()
    return frozenset({site.host.partition(".")[0], slug_from(site.name)} - {""})


def _sign_up(typed: Typed) -> Elsewhere:
    # One answer to everybody: a program that fills in what no person sees, an address that has
    # signed up too often, and somebody whose link is on its way.
    done = Elsewhere(url_for("sign_up.sent"))
    if typed.optional_text(HONEYPOT):
        return done
    wish = SignUp(
        company=typed.optional_text("company"),
        name=typed.optional_text("name"),
        email=typed.optional_text("email"),
        password=request.form.get("password", ""),
        slug=typed.optional_text("slug").lower(),
        country=typed.optional_text("country"),
        accent=typed.optional_text("accent"),
        language=_language(),
        accepts_terms=typed.is_ticked("terms"),
        accepts_data_processing=typed.is_ticked("data_processing"),
        request_key=typed.optional_text("request_key")[:80],
    )
    with transaction(_PLATFORM) as session:
        onboarding.sign_up(
            session,
            _PLATFORM,
            wish=wish,
            terms=_terms(),
            platform_names=platform_names(),
            now=current_ports().clock(),
        )
    return done


def _confirmation(found: ResellerApplication, *, refused: AppError | None) -> str:
    return render_template(
        "platform/sign_up_confirm.html",
        application=found,
        host=_host(found),
        domain=current_site().host,
        sign_in_url=f"{address_of(_host(found))}{LOGIN_PATHS[Realm.STAFF]}",
        trial_days=_terms().trial_days,
        error=reason_of(refused) if refused else None,
        wrong=refused.facts.get("field") if refused else None,
        typed=request.form.get("slug", found.slug),
    )


def _find(token: str) -> ResellerApplication:
    application_id: UUID | None = identity.read_link_token(current_edge().options.secret_key, token)
    if application_id is None:
        raise SignUpNotFoundError
    with transaction(_PLATFORM) as session:
        return onboarding.find_sign_up(
            session, _PLATFORM, application_id=application_id, now=current_ports().clock()
        )


def _suggested(company: str) -> str:
    with transaction(_PLATFORM) as session:
        return onboarding.suggest_name(
            session,
            _PLATFORM,
            company=company,
            platform_names=platform_names(),
            now=current_ports().clock(),
        )


def _why_not(slug: str) -> str:
    """Return why a name cannot be had; empty for one that can."""
    try:
        with transaction(_PLATFORM) as session:
            onboarding.require_free_name(
                session,
                _PLATFORM,
                slug=slug,
                platform_names=platform_names(),
                now=current_ports().clock(),
            )
    except AppError as refused:
        reason = reason_of(refused)
        if isinstance(refused, SlugTakenError | LookalikeError) and (
            other := _suggested(slug)
        ) not in {"", slug}:
            return _("%(reason)s How about %(name)s?", reason=reason, name=other)
        return reason
    return ""


def _colours(accent: str) -> dict[str, str]:
    """Return the accent as a light page shows it, and the text upon it."""
    try:
        roles = colour_roles(BrandTokens(accent=branding.require_colour(accent)), "light")
    except BrandRefusedError:
        return {}
    return {"accent": roles["accent"], "on_accent": roles["on-accent"]}


def _host(application: ResellerApplication) -> str:
    return f"{application.slug}.{current_site().host}"


def _terms() -> SignUpTerms:
    return current_edge().options.sign_up


def _language() -> str:
    return str(get_locale() or "de").partition("_")[0]
