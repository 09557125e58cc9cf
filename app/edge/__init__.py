"""What web and api share: site, session, forgery, limits, refusals, headers, logs, brand."""

from app.edge.acting import (
    continue_as_customer,
    is_acting,
    open_to_acting,
    require_own_hand,
)
from app.edge.answers import NO_DATABASE, STATUS, describe_refusal
from app.edge.brands import BrandDirectory, SiteBrand, tell_brand_changed
from app.edge.browser_sessions import BrowserSession, realm_of_path
from app.edge.callers import is_machine
from app.edge.closed_sites import STANDING_PATH
from app.edge.declarations import UndeclaredBlueprintError, Where, declare
from app.edge.errors import (
    ActingForbiddenError,
    ForeignOriginError,
    SignInNeededError,
    SiteClosedError,
)
from app.edge.headers import csp_nonce, let_own_pages_frame
from app.edge.installation import install, seal
from app.edge.known_browser import keep_browser, this_browser
from app.edge.languages import chosen_language, remember_language, site_language
from app.edge.limits import count_by_own_key
from app.edge.logs import configure_logs
from app.edge.metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from app.edge.news import CacheNews, redis_client
from app.edge.options import Allowance, EdgeOptions
from app.edge.pages import current_brand, wear
from app.edge.public_addresses import address_of, site_address
from app.edge.redirects import safe_next
from app.edge.request_log import request_id
from app.edge.signed_in import (
    ACCOUNT_PATHS,
    HOME_PATHS,
    LOGIN_PATHS,
    LOGOUT_PATHS,
    SiteUser,
    require_signed_in,
    sign_in_scope,
    signed_in,
    signed_in_as,
    signed_in_required,
)
from app.edge.site_app import SiteApp
from app.edge.site_guard import (
    NoSiteError,
    current_platform_scope,
    current_scope,
    current_site,
    is_platform_site,
)
from app.edge.sites import SiteDirectory
from app.edge.state import Edge, current_edge, current_ports, edge_of
from app.edge.theme_declarations import ThemeOption
from app.edge.themes import Theme, ThemeReport, ThemeShelf

__all__ = [
    "ACCOUNT_PATHS",
    "HOME_PATHS",
    "LOGIN_PATHS",
    "LOGOUT_PATHS",
    "METRICS_CONTENT_TYPE",
    "NO_DATABASE",
    "STANDING_PATH",
    "STATUS",
    "ActingForbiddenError",
    "Allowance",
    "BrandDirectory",
    "BrowserSession",
    "CacheNews",
    "Edge",
    "EdgeOptions",
    "ForeignOriginError",
    "NoSiteError",
    "SignInNeededError",
    "SiteApp",
    "SiteBrand",
    "SiteClosedError",
    "SiteDirectory",
    "SiteUser",
    "Theme",
    "ThemeOption",
    "ThemeReport",
    "ThemeShelf",
    "UndeclaredBlueprintError",
    "Where",
    "address_of",
    "chosen_language",
    "configure_logs",
    "continue_as_customer",
    "count_by_own_key",
    "csp_nonce",
    "current_brand",
    "current_edge",
    "current_platform_scope",
    "current_ports",
    "current_scope",
    "current_site",
    "declare",
    "describe_refusal",
    "edge_of",
    "install",
    "is_acting",
    "is_machine",
    "is_platform_site",
    "keep_browser",
    "let_own_pages_frame",
    "open_to_acting",
    "realm_of_path",
    "redis_client",
    "remember_language",
    "request_id",
    "require_own_hand",
    "require_signed_in",
    "safe_next",
    "seal",
    "sign_in_scope",
    "signed_in",
    "signed_in_as",
    "signed_in_required",
    "site_address",
    "site_language",
    "tell_brand_changed",
    "this_browser",
    "wear",
]
