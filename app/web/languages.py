"""The language of the pages: chosen by a visitor for her browser, by a person for herself (A7, E6).

Each realm has its own address, because each has its own cookie and form token (requirement A4).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from app import identity
from app.edge import (
    Where,
    chosen_language,
    declare,
    realm_of_path,
    remember_language,
    safe_next,
    sign_in_scope,
    signed_in,
    site_language,
)
from app.identity import Realm, SignedIn
from app.kernel import Language, transaction
from app.web.formats import page_language
from app.web.typed import Typed
from app.web.words import gettext as _

PATHS = {
    Realm.CUSTOMER: "/language",
    Realm.STAFF: "/reseller/language",
    Realm.PLATFORM: "/admin/language",
}

all_sites = Blueprint("languages", __name__)
declare(all_sites, where=Where.ALL_SITES)
reseller_sites = Blueprint("staff_languages", __name__)
declare(reseller_sites, where=Where.RESELLER_SITES)
platform_site = Blueprint("platform_languages", __name__)
declare(platform_site, where=Where.PLATFORM_SITE)


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """One language of the switch, called by its own name."""

    code: str
    name: str
    is_current: bool


def register(app: Flask) -> None:
    """Add the pages, and the switch at the foot of every other page."""
    for blueprint in (all_sites, reseller_sites, platform_site):
        app.register_blueprint(blueprint)
    app.context_processor(_switch)


@all_sites.get(PATHS[Realm.CUSTOMER])
@reseller_sites.get(PATHS[Realm.STAFF])
@platform_site.get(PATHS[Realm.PLATFORM])
def language() -> str:
    """Show which language was chosen, and the others."""
    chosen = chosen_language()
    return render_template("language.html", chosen=chosen.value if chosen else "")


@all_sites.post(PATHS[Realm.CUSTOMER])
@reseller_sites.post(PATHS[Realm.STAFF])
@platform_site.post(PATHS[Realm.PLATFORM])
def choose() -> ResponseReturnValue:
    """Keep the chosen language, and go back to the page it was chosen on."""
    typed, realm = Typed(request.form), realm_of_path(request.path)
    chosen = typed.choice("language", Language) if typed.optional_text("language") else None
    holder = signed_in()
    if holder is not None:
        _keep(holder, chosen)
        with force_locale(chosen.value if chosen else site_language()):
            flash(_("Your language is saved."), "success")
    answer = redirect(safe_next(typed.optional_text("next"), otherwise=PATHS[realm]), 303)
    remember_language(answer, chosen)
    return answer


def _keep(holder: SignedIn, chosen: Language | None) -> None:
    scope = sign_in_scope(holder.realm)
    if scope is None:
        return
    with transaction(scope) as session:
        identity.set_language(
            session, scope, realm=holder.realm, user_id=holder.user_id, language=chosen
        )


def _switch() -> dict[str, object]:
    # The form's token costs a cookie, which a page that reports an error shall not set.
    here = page_language()
    spoken = [SpokenLanguage(each.value, each.own_name, each.value == here) for each in Language]
    return {
        "languages": [] if "error_code" in g else spoken,
        "language_url": PATHS[realm_of_path(request.path)],
        "language_next": request.full_path.removesuffix("?") if request.method == "GET" else "",
    }
