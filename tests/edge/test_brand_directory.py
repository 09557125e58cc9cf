"""A published brand reaches every process; a process remembers little of it."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.branding import BrandLook, BrandTokens, save_brand
from app.edge import SiteBrand, edge_of, tell_brand_changed
from app.edge.brands import BrandDirectory
from app.edge.news import CacheNews
from app.kernel import transaction
from app.tenancy import Site, Tenant, TenantKind
from tests.apps import PLATFORM_DOMAIN
from tests.edge.test_site_directory import eventually
from tests.factories import a_reseller, scope_of

LOOK = BrandLook(name="Vorher", tokens=BrandTokens("#0f6e84"), font="inter", terms_text="# AGB")


def publish(reseller: Tenant, look: BrandLook) -> None:
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)


def site_of(reseller: Tenant) -> Site:
    host = f"{reseller.slug}.{PLATFORM_DOMAIN}"
    path = tuple(reseller.path)
    return Site(reseller.id, TenantKind.RESELLER, reseller.slug, reseller.name, host, path)


@pytest.mark.parametrize("teller", ["web", "command"])
def test_a_published_brand_is_on_every_process_within_a_second(
    app: Flask, make_app: Callable[..., Flask], teller: str
) -> None:
    other, reseller = make_app(), a_reseller()
    publish(reseller, LOOK)
    here, there, site = edge_of(app), edge_of(other), site_of(reseller)
    for edge in (here, there):
        edge.news.start()
        assert eventually(lambda edge=edge: edge.news.is_listening)  # type: ignore[misc]
        assert edge.brands.find(site).name == "Vorher"

    publish(reseller, replace(LOOK, name="Nachher"))
    told_at = time.monotonic()
    if teller == "web":
        here.brands.forget(reseller.id)
    else:
        tell_brand_changed(here.options.redis_url, reseller.id)

    assert eventually(lambda: there.brands.find(site).name == "Nachher", seconds=1)
    assert eventually(lambda: here.brands.find(site).name == "Nachher", seconds=1)
    assert time.monotonic() - told_at < 1


def test_a_process_remembers_where_a_legal_text_is_and_not_the_text(app: Flask) -> None:
    reseller = a_reseller()
    publish(reseller, LOOK)

    brand = edge_of(app).brands.find(site_of(reseller))

    assert (brand.terms_url, brand.terms_text) == ("/terms", "")


def test_a_brand_with_a_font_preloads_it_and_names_it_in_its_own_style_sheet(app: Flask) -> None:
    brands = edge_of(app).brands

    with_font, without = brands.dress(LOOK), brands.dress(replace(LOOK, font="system"))

    assert with_font.font_url.startswith("/static/fonts/inter.woff2?v=")
    assert f'url("{with_font.font_url}")' in with_font.css
    assert (without.font_url, "@font-face" in without.css) == ("", False)
    assert with_font.version != without.version


class Interrupted(BrandDirectory):
    """Somebody publishes between our reading a brand and our remembering it, once."""

    publish: Callable[[], None] | None = None

    def dress(
        self, look: BrandLook, *, own_language: str = "", is_preview: bool = False
    ) -> SiteBrand:
        if act := self.publish:
            self.publish = None
            act()
        return super().dress(look, own_language=own_language, is_preview=is_preview)


def test_r7_a_brand_that_was_read_before_a_publication_is_not_kept_after_it(app: Flask) -> None:
    reseller, edge = a_reseller(), edge_of(app)
    publish(reseller, LOOK)
    brands = Interrupted(news=CacheNews(""), themes=edge.themes, fonts=edge.fonts)

    def act() -> None:
        publish(reseller, replace(LOOK, name="Nachher"))
        brands.forget(reseller.id)

    brands.publish = act
    brands.find(site_of(reseller))

    assert brands.find(site_of(reseller)).name == "Nachher"
