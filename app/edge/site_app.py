"""The Flask app whose URL map depends on the site: R8, and no routing before the host is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from wsgiref.types import WSGIEnvironment

import psycopg
import structlog
from flask import Request, has_request_context, request
from flask.json.provider import DefaultJSONProvider
from flask.templating import Environment
from flask_openapi3.openapi import OpenAPI
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import Map, MapAdapter

from app.edge.declarations import Where, declaration_of
from app.edge.sites import SiteDirectory
from app.edge.theme_sandbox import SandboxedPages
from app.tenancy import InvalidHostError, Site, TenantKind

FOREVER = 365 * 24 * 3600
_ENVIRON = "kontor.resolution"
# Settings, and what a visitor sent and holds.
_NOT_FOR_TEMPLATES = ("config", "g", "request", "session")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the host of a request stands for.

    `site` is None for an unknown host, for a path that needs no site, and where `trouble` is set:
    the error is raised later, where the error pages can answer it.
    """

    site: Site | None
    is_needed: bool = True
    trouble: Exception | None = None


class ShallowJson(DefaultJSONProvider):
    """Flask's JSON; a body nested too deeply to be read is malformed, not an error of ours."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - Flask's signature
        """Read JSON; refuses with ValueError whatever is none."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as too_deep:
            raise ValueError("nested too deeply") from too_deep


class SiteApp(OpenAPI):
    """Resolves the host first and then matches the path against that kind of site's own URL map."""

    json_provider_class = ShallowJson
    jinja_environment = SandboxedPages  # type: ignore[assignment] # same contract, other parent
    sites: SiteDirectory
    choose_template: Callable[[str, str], str]
    undress: Callable[[str, Exception], dict[str, object] | None]

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Resolve the request's host and return the routes that exist on such a site."""
        if request is None:
            return super().create_url_adapter(None)
        resolution = self._resolve(request.environ)
        request.environ[_ENVIRON] = resolution
        urls = self._url_maps[_where(resolution.site)]
        return urls.bind_to_environ(request.environ, server_name=None, subdomain="")

    def create_jinja_environment(self) -> Environment:
        """Make Flask's environment without what it adds of its own: secrets, to a theme."""
        environment = super().create_jinja_environment()
        for name in _NOT_FOR_TEMPLATES:
            environment.globals.pop(name)
        return environment

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what every page knows, again without Flask's own."""
        super().update_template_context(context)
        for name in _NOT_FOR_TEMPLATES:
            context.pop(name, None)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Let a file be kept for good where its address carries the version of its content."""
        if has_request_context() and request.args.get("v"):
            return FOREVER
        return super().get_send_file_max_age(filename)

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401 - Flask's own signature
        """Log an exception nobody expected with its traceback, as a structured event."""
        log.error("unexpected_exception", exc_info=exc_info)

    def require_declarations(self) -> None:
        """Build the URL maps now; refuses a blueprint that does not say where it exists."""
        _ = self._siteless_paths

    def _resolve(self, environ: WSGIEnvironment) -> Resolution:
        if environ.get("PATH_INFO", "").startswith(self._siteless_paths):
            return Resolution(None, is_needed=False)
        try:
            return Resolution(self.sites.find(environ.get("HTTP_HOST", "")))
        except (InvalidHostError, SQLAlchemyError, psycopg.Error) as trouble:
            return Resolution(None, trouble=trouble)

    @cached_property
    def _url_maps(self) -> Mapping[Where, Map]:
        maps = {}
        for where in (Where.RESELLER_SITES, Where.PLATFORM_SITE, Where.UNKNOWN_HOSTS):
            urls = self.url_map_class(converters=self.url_map.converters)
            for rule in self.url_map.iter_rules():
                if where & self._exists(rule.endpoint):
                    twin = rule.empty()
                    twin.provide_automatic_options = rule.provide_automatic_options  # type: ignore[attr-defined]
                    urls.add(twin)
            maps[where] = urls
        return maps

    @cached_property
    def _siteless_paths(self) -> tuple[str, ...]:
        rules = self._url_maps[Where.UNKNOWN_HOSTS].iter_rules()
        return tuple({rule.rule.partition("<")[0] for rule in rules})

    def _exists(self, endpoint: str) -> Where:
        declaration = declaration_of(self, endpoint)
        return declaration.where if declaration else Where.ALL_SITES


def resolution_of(environ: WSGIEnvironment) -> Resolution:
    """Return what the app found out about the request's host."""
    found: Resolution = environ[_ENVIRON]
    return found


def _where(site: Site | None) -> Where:
    if site is None:
        return Where.UNKNOWN_HOSTS
    return Where.PLATFORM_SITE if site.kind is TenantKind.PLATFORM else Where.RESELLER_SITES
