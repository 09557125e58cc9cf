"""What a phone reads to install a site, and what it keeps for when there is no network."""

import io
import json
import re
from dataclasses import replace

from flask import Flask
from PIL import Image

from app.branding import BrandLook, BrandTokens
from app.tenancy import TenantScope
from tests.apps import Browser
from tests.factories import a_customer, a_customer_user
from tests.web.test_brand import a_branded, dress

LOOK = BrandLook(
    name="Hafenfunk Norddeutschland", tokens=BrandTokens("#a3324f", "#fbf5ec"), theme="atelier",
    language="en", support_email="hilfe@hafen.example", font="figtree",
)  # fmt: skip


def shell_of(visitor: Browser) -> list[str]:
    script = visitor.get("/service-worker.js").get_data(as_text=True)
    found = re.search(r"^const SHELL = (\[.*\]);$", script, re.MULTILINE)
    assert found is not None
    addresses: list[str] = json.loads(found[1])
    return addresses


def status_of(visitor: Browser, address: str) -> int:
    with visitor.get(address) as answer:
        return answer.status_code


def test_a_phone_installs_the_site_under_the_brands_name_and_icons(app: Flask) -> None:
    _, visitor = a_branded(app, LOOK)

    answer = visitor.get("/manifest.webmanifest")

    manifest = answer.json or {}
    assert answer.mimetype == "application/manifest+json"
    assert manifest["name"] == "Hafenfunk Norddeutschland"
    assert manifest["short_name"] == "Hafenfunk"
    assert (manifest["start_url"], manifest["scope"], manifest["id"]) == ("/portal/", "/", "/")
    assert (manifest["theme_color"], manifest["background_color"]) == ("#a3324f", "#fbf5ec")
    assert {each["purpose"] for each in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        picture = visitor.get(icon["src"])
        assert picture.mimetype == icon["type"]
        width, height = Image.open(io.BytesIO(picture.data)).size
        assert icon["sizes"] == f"{width}x{height}"


def test_a_long_name_without_a_space_is_cut_for_the_home_screen(app: Flask) -> None:
    _, visitor = a_branded(app, replace(LOOK, name="Telefongesellschaft"))

    assert (visitor.get("/manifest.webmanifest").json or {})["short_name"] == "Telefongesel"


def test_the_worker_keeps_what_the_offline_page_is_made_of_and_no_other_address(
    app: Flask,
) -> None:
    _, visitor = a_branded(app, LOOK)

    script = visitor.get("/service-worker.js")
    page = visitor.get("/offline").get_data(as_text=True)

    loaded = re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', page)
    needed = {each for each in loaded if "manifest" not in each and "icon-180" not in each}
    assert script.mimetype == "text/javascript"
    assert needed == set(shell_of(visitor))
    assert {status_of(visitor, address) for address in shell_of(visitor)} == {200}
    assert not re.search(r"portal|balance|reseller", script.get_data(as_text=True))


def test_the_worker_is_asked_for_anew_and_changes_with_the_brand(app: Flask) -> None:
    reseller, visitor = a_branded(app, LOOK)
    first = visitor.get("/service-worker.js")
    same = visitor.get("/service-worker.js", headers={"If-None-Match": first.headers["ETag"]})

    dress(app, TenantScope(reseller.id), replace(LOOK, name="Neu"))

    assert same.status_code == 304
    assert "no-cache" in first.headers["Cache-Control"]
    assert visitor.get("/service-worker.js").data != first.data


def test_the_offline_page_names_the_brand_and_nobody_who_is_signed_in(app: Flask) -> None:
    reseller, visitor = a_branded(app, LOOK)
    user = a_customer_user(a_customer(reseller), name="Anna Adler")
    visitor.sign_in(user.email)

    page = visitor.get("/offline").get_data(as_text=True)

    assert "Hafenfunk Norddeutschland" in page
    assert "You are offline" in page
    assert "Anna" not in page
    assert "/portal/transactions" not in page


def test_pages_say_where_the_apps_icon_and_colour_are(app: Flask) -> None:
    _, visitor = a_branded(app, LOOK)

    page = visitor.get("/login").get_data(as_text=True)

    touch = re.search(r'<link rel="apple-touch-icon" href="([^"]+)">', page)
    assert touch is not None
    assert Image.open(io.BytesIO(visitor.get(touch[1]).data)).size == (180, 180)
    assert '<meta name="theme-color" content="#a3324f">' in page
