"""What a phone needs to install a site under the brand's name, and what it shows offline."""

import hashlib
import json

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.edge import HOME_PATHS, SiteBrand, Where, current_brand, declare, is_platform_site
from app.identity import Realm

bp = Blueprint("install", __name__)
declare(bp, where=Where.ALL_SITES)

_BRIEFLY = "private, max-age=60"
# A home screen has room for so much of a name (Android cuts at about twelve).
_SHORT_NAME = 12
_VERSION_LENGTH = 16


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """Answer name, icons and colours of the app that the site can be installed as."""
    brand = current_brand()
    answer = jsonify(
        id="/",
        name=brand.name,
        short_name=_short(brand.name),
        lang=brand.language,
        start_url=_home(),
        scope="/",
        display="standalone",
        theme_color=brand.tokens.accent,
        background_color=brand.tokens.surface,
        icons=[
            {"src": each.src, "sizes": each.sizes, "type": each.type, "purpose": each.purpose}
            for each in brand.app_icons
        ],
    )
    answer.mimetype = "application/manifest+json"
    return _kept_briefly(answer)


@bp.get("/service-worker.js")
def service_worker() -> ResponseReturnValue:
    """Answer the script that shows the offline page; it keeps the shell of the site alone."""
    shell = _shell(current_brand())
    version = _version(current_brand(), shell)
    body = render_template(
        "service-worker.js",
        cache=json.dumps(f"shell-{version}"),
        offline=json.dumps(url_for("install.offline")),
        shell=json.dumps(shell),
    )
    answer = Response(body, mimetype="text/javascript")
    answer.set_etag(version)
    # The browser asks for it again and again: what is new in it makes it keep a new page.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Host")
    return answer.make_conditional(request)


@bp.get("/offline")
def offline() -> ResponseReturnValue:
    """Answer the page that is shown without a network: it names nobody who is signed in."""
    page = render_template("offline.html", user=None, site_nav=None, home_url=_home())
    answer = Response(page)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _home() -> str:
    return HOME_PATHS[Realm.PLATFORM if is_platform_site() else Realm.CUSTOMER]


def _shell(brand: SiteBrand) -> list[str]:
    """Return the addresses of what the offline page is made of."""
    static = [url_for("static", filename=name) for name in ("css/site.css", "js/app.js")]
    ours = (brand.css_url, brand.theme_css_url, brand.font_url, brand.logo_url, brand.icon_url)
    return [*static, *dict.fromkeys(address for address in ours if address)]


def _version(brand: SiteBrand, shell: list[str]) -> str:
    """Return what changes whenever the offline page looks or reads differently."""
    said = (
        brand.name, brand.language, brand.theme, brand.support_email, brand.support_phone,
        brand.imprint_url, brand.privacy_url, brand.terms_url, *shell,
    )  # fmt: skip
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:_VERSION_LENGTH]


def _short(name: str) -> str:
    if len(name) <= _SHORT_NAME:
        return name
    cut = name[: _SHORT_NAME + 1].rpartition(" ")[0]
    return cut or name[:_SHORT_NAME]


def _kept_briefly(answer: Response) -> ResponseReturnValue:
    answer.headers["Cache-Control"] = _BRIEFLY
    answer.vary.add("Host")
    return answer.make_conditional(request)
