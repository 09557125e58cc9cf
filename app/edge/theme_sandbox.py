"""Templates inside Jinja's sandbox: themes are other people's files (requirement A3)."""

from collections.abc import MutableMapping
from typing import Any, Protocol, cast

from flask import Flask, has_request_context
from jinja2 import Template, TemplateError
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.edge.themes import THEME_FOLDER

# How a template can fail by itself; a database that is away is nobody's fault here.
_FAILURES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
# A row of the database leads to its tables, a function of Flask's to the app: no further.
_MACHINERY = frozenset({"flask", "gevent", "psycopg", "redis", "sqlalchemy", "structlog", "stripe"})


class Wardrobe(Protocol):
    """What the environment asks of the app it belongs to."""

    def choose_template(self, template: str, asked_by: str) -> str:
        """Return the version of a template that the site's theme has."""

    def undress(self, template: str, error: Exception) -> dict[str, object] | None:
        """Take the theme off this page; return what the page must know then, None without one."""


class PageTemplate(Template):
    """A template of a page; where the theme's own version fails, ours is shown instead."""

    def render(self, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - Jinja's signature
        """Render the page; a failure of a theme is reported and costs the reader nothing else."""
        try:
            return super().render(*args, **kwargs)
        except _FAILURES as error:
            app = cast("SandboxedPages", self.environment).app
            without_theme = app.undress(self.name or "", error) if has_request_context() else None
            if without_theme is None:
                raise
            page = self.environment.get_template(original(self.name or ""))
            return page.render(dict(*args, **kwargs) | without_theme)

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        # Jinja keeps the module of an import without context for good. A theme's could keep what
        # it saw of one reseller (`namespace`) and show it to the next.
        if (self.name or "").startswith(THEME_FOLDER):
            return self.make_module({} if ctx is None else ctx.get_all())
        return super()._get_default_module(ctx)


class SandboxedPages(ImmutableSandboxedEnvironment):
    """Flask's template environment inside Jinja's sandbox."""

    template_class = PageTemplate

    def __init__(self, app: Flask, **options: Any) -> None:  # noqa: ANN401 - Jinja's own options
        options.setdefault("loader", app.create_global_jinja_loader())
        super().__init__(**options)
        self.app = cast("Wardrobe", app)

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja's own name
    ) -> Template:
        """Load a template, in the version of the site's theme where there is one."""
        if isinstance(name, str) and parent is None:
            name = self._chosen(name, "")
        return super().get_template(name, parent, globals)

    def join_path(self, template: str, parent: str) -> str:
        """Return which template is meant by a name that another template asks for."""
        return self._chosen(template, parent)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - Jinja's
        """Return whether a template may read an attribute: nothing private, no machinery."""
        is_machinery = type(value).__module__.partition(".")[0] in _MACHINERY
        return super().is_safe_attribute(obj, attr, value) and not is_machinery

    def _chosen(self, template: str, asked_by: str) -> str:
        if not has_request_context():
            return template
        return self.app.choose_template(template, asked_by)


def original(template: str) -> str:
    """Return the name of our own version of a template of a theme."""
    if not template.startswith(THEME_FOLDER):
        return template
    return template.removeprefix(THEME_FOLDER).partition("/")[2]
