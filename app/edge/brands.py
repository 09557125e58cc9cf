"""The brand of the current site: remembered in the process, never asked for twice."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from uuid import UUID

from app.branding import (
    LEGAL_PAGES,
    SYSTEM_FONT,
    AppIcon,
    BrandLook,
    app_icons,
    brand_css,
    favicon_path,
    find_brand,
    font_css,
    icon_path,
    logo_file,
    plain_brand,
)
from app.edge.fonts import FontShelf
from app.edge.memory import ShortMemory
from app.edge.news import CacheNews
from app.edge.themes import PLAIN_LAYOUT, PLAIN_THEME, ThemeShelf
from app.kernel import transaction
from app.tenancy import Site, TenantScope

TOPIC = "brand"
MEMORY_SECONDS = 30.0
MEMORY_SIZE = 10_000
_VERSION_LENGTH = 16


@dataclass(frozen=True, slots=True)
class SiteBrand(BrandLook):
    """What templates call `brand`: the published look and what follows from it.

    Of a legal page the process remembers where it is, never the text. `is_preview`: the look is
    somebody's draft, so `/brand.css` is another one's and the page carries `css` itself.
    """

    css: str = ""
    version: str = ""
    layout: str = PLAIN_LAYOUT
    theme_css_url: str = ""
    theme_preloads: tuple[str, ...] = ()
    theme_attributes: Mapping[str, str] = field(default_factory=dict)
    font_url: str = ""
    icon_url: str = ""
    touch_icon_url: str = ""
    logo_srcset: str = ""
    app_icons: tuple[AppIcon, ...] = ()
    is_preview: bool = False
    # Empty for a plain brand: nobody has said what its site speaks.
    own_language: str = ""

    @property
    def accent(self) -> str:
        """The accent colour, `#rrggbb`."""
        return self.tokens.accent

    @property
    def css_url(self) -> str:
        """The brand's own style sheet; the version lets browsers keep it."""
        return f"/brand.css?v={self.version}"

    def without_theme(self) -> "SiteBrand":
        """Return the same brand in our own plain pages."""
        return replace(
            self,
            theme=PLAIN_THEME,
            layout=PLAIN_LAYOUT,
            theme_css_url="",
            theme_preloads=(),
            theme_attributes={},
        )


class BrandDirectory:
    """Finds the brand of a site: at most one query, none for a tenant that was asked for lately."""

    def __init__(self, *, news: CacheNews, themes: ThemeShelf, fonts: FontShelf) -> None:
        self._news = news
        self._themes = themes
        self._fonts = fonts
        self._kept: ShortMemory[UUID, SiteBrand] = ShortMemory(
            size=MEMORY_SIZE, seconds=MEMORY_SECONDS
        )
        news.on(TOPIC, self._forget)

    def find(self, site: Site) -> SiteBrand:
        """Return the brand of a site; a plain one under the tenant's name until it has its own."""
        if brand := self._kept.get(site.tenant_id):
            return brand
        scope, age = TenantScope(site.tenant_id), self._kept.age
        with transaction(scope) as session:
            look = find_brand(session, scope)
        brand = self.dress(
            look or plain_brand(site.name), own_language=look.language if look else ""
        )
        self._kept.put(site.tenant_id, brand, age=age)
        return brand

    def at_hand(self, site: Site) -> SiteBrand:
        """Return the brand without asking the database: for pages that say it is in trouble."""
        return self._kept.get(site.tenant_id) or self.dress(plain_brand(site.name))

    def forget(self, tenant_id: UUID) -> None:
        """Make every process look the brand up again; call it after the commit that changed it."""
        self._news.tell(TOPIC, str(tenant_id))

    def _forget(self, tenant_id: str | None) -> None:
        if tenant_id is None:
            self._kept.clear()
        else:
            self._kept.forget(UUID(tenant_id))

    def dress(
        self, look: BrandLook, *, own_language: str = "", is_preview: bool = False
    ) -> SiteBrand:
        """Return a look with everything that pages make of it; no query, nothing remembered."""
        font_url = self._fonts.address(look.font)
        theme = self._themes.get(look.theme)
        css = font_css(look.font, font_url) + brand_css(look.tokens) + theme.css(look.theme_options)
        values: dict[str, Any] = {each.name: getattr(look, each.name) for each in fields(BrandLook)}
        for page in LEGAL_PAGES:
            values |= {f"{page}_url": look.legal_link(page), f"{page}_text": ""}
        values |= {
            "theme": theme.name,
            "css": css,
            "version": hashlib.sha256(css.encode()).hexdigest()[:_VERSION_LENGTH],
            "layout": theme.layout,
            "theme_css_url": theme.css_url,
            "theme_preloads": theme.preloads,
            "theme_attributes": theme.attributes(look.theme_options),
            "font_url": font_url if look.font != SYSTEM_FONT else "",
            "icon_url": favicon_path(look),
            "touch_icon_url": icon_path(look, "icon-180.png"),
            "logo_srcset": _srcset(look),
            "app_icons": app_icons(look),
            "is_preview": is_preview,
            "own_language": own_language,
        }
        return SiteBrand(**values)


def _srcset(look: BrandLook) -> str:
    finer = logo_file(look, "logo-2x.webp")
    return f"{look.logo_url} 1x, {finer} 2x" if finer else ""


def tell_brand_changed(redis_url: str, tenant_id: UUID) -> None:
    """Make every web process look a brand up again: for a command, which has none of its own."""
    news = CacheNews(redis_url)
    news.on(TOPIC, lambda _: None)
    news.tell(TOPIC, str(tenant_id))
    news.close()
