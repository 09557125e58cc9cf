"""Everything the edge adds to an app, in the order in which a request meets it."""

from pathlib import Path

from werkzeug.middleware.proxy_fix import ProxyFix

from app.edge.acting import guard_acting
from app.edge.answers import answer_errors
from app.edge.brands import BrandDirectory
from app.edge.browser_sessions import BrowserSessions
from app.edge.closed_sites import close_sites
from app.edge.fonts import FontShelf
from app.edge.forgery import refuse_forgery
from app.edge.headers import guard_browsers
from app.edge.key_uses import KeyUses
from app.edge.languages import speak_languages
from app.edge.limits import accepted_keys, limit_blueprints, limit_requests
from app.edge.metrics import Metrics, measure
from app.edge.news import CacheNews
from app.edge.options import EdgeOptions
from app.edge.pages import dress_pages
from app.edge.redirects import collapse_slashes
from app.edge.request_log import log_requests
from app.edge.signed_in import find_signed_in_users
from app.edge.site_app import SiteApp
from app.edge.site_guard import guard_sites
from app.edge.sites import SiteDirectory
from app.edge.state import Edge, edge_of, keep
from app.edge.static_files import version_static_files
from app.edge.themes import ThemeShelf
from app.ports import Ports


def install(app: SiteApp, options: EdgeOptions, ports: Ports, *, pages: Path) -> None:
    """Give the app its edge; `pages` is the folder with templates and translations.

    Hooks before a request run in the order below, hooks after it in the reverse: the clock starts
    first and stops last.
    """
    edge = _make(options, ports, pages)
    keep(app, edge)
    app.secret_key = options.secret_key
    app.sites = edge.sites
    app.jinja_loader = edge.themes.loader()
    app.session_interface = BrowserSessions(
        options.secret_key, options.is_secure, options.session_lifetime
    )
    if options.trusted_proxies:
        # Never x_host: the proxy passes Host itself, X-Forwarded-Host is anybody's word (R1).
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=options.trusted_proxies, x_proto=options.trusted_proxies, x_host=0
        )
    app.before_request(edge.news.start)
    measure(app, edge.metrics)
    log_requests(app, trusts_proxy=options.trusted_proxies > 0)
    guard_sites(app)  # before everything that asks for a site
    collapse_slashes(app)
    guard_browsers(
        app,
        platform_domain=options.platform_domain,
        is_secure=options.is_secure,
        checkout_origin=options.checkout_origin,
    )
    limit_requests(app, options)  # before anything that costs a query or a hash
    refuse_forgery(app, is_secure=options.is_secure)
    find_signed_in_users(app)
    guard_acting(app)
    close_sites(app)
    dress_pages(app)
    version_static_files(app)
    speak_languages(app, pages / "translations")
    answer_errors(app)


def seal(app: SiteApp) -> None:
    """Apply what the blueprints declared, after the last one was registered; compile the themes.

    Refuses a blueprint that declared nothing.
    """
    limit_blueprints(app, edge_of(app).options)
    app.require_declarations()
    edge_of(app).themes.compile(app.jinja_env)  # with every filter that pages registered


def _make(options: EdgeOptions, ports: Ports, pages: Path) -> Edge:
    news = CacheNews(options.redis_url)
    themes = ThemeShelf(options.themes, templates=pages / "templates")
    fonts = FontShelf(pages / "static")
    return Edge(
        options=options,
        ports=ports,
        news=news,
        sites=SiteDirectory(platform_domain=options.platform_domain, news=news),
        brands=BrandDirectory(news=news, themes=themes, fonts=fonts),
        themes=themes,
        fonts=fonts,
        metrics=Metrics(),
        accepted_keys=accepted_keys(),
        key_uses=KeyUses(ports.clock),
    )
