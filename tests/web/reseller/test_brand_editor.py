"""The brand editor as its owner, a stranger and a browser without scripts meet it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.branding import BrandLook, BrandTokens, find_draft, save_brand
from app.edge import edge_of
from app.identity import add_staff_user
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import Browser
from tests.branding.drawings import a_picture
from tests.factories import PASSWORD, a_customer, a_customer_user, a_reseller, scope_of, unique
from tests.web.portals import a_stranger, an_admin, is_turned_away, staff_of, text_of

EDITOR = "/reseller/brand"
PREVIEW = f"{EDITOR}/preview"
LOOK = BrandLook(
    name="Hafenfunk", tokens=BrandTokens("#0f6e84", "#f1f7f8"), theme="klar", language="en"
)
_CHOICES = re.compile(r'<select[^>]* name="([\w-]+)".*?>(.*?)</select>', re.DOTALL)
_TEXTS = re.compile(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', re.DOTALL)
PAGES = (EDITOR, f"{PREVIEW}/portal", f"{PREVIEW}/login")


def a_branded(app: Flask, look: BrandLook = LOOK) -> Tenant:
    reseller = a_reseller()
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)
    edge_of(app).brands.forget(reseller.id)
    return reseller


def fields_of(page: TestResponse) -> dict[str, str]:
    """What the editor's form would send if nothing were changed."""
    html = page.get_data(as_text=True).partition('id="brand-form"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input[^>]* name="(\w+)" [^>]*value="([^"]*)"', html))
    for name, options in _CHOICES.findall(html):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    found |= dict(_TEXTS.findall(html))
    return {"form": "brand"} | {
        name: unescape(value) for name, value in found.items() if not name.endswith("_remove")
    }


def send(staff: Browser, changes: dict[str, object] | None = None, **more: object) -> TestResponse:
    """Change the editor's form and send it, files and all."""
    form = {**fields_of(staff.get(EDITOR)), **(changes or {}), **more}
    return staff.post(EDITOR, form, content_type="multipart/form-data")


def _support_email(reseller: Tenant) -> str:
    """Somebody of the staff who is no owner."""
    with transaction(scope_of(reseller)) as session:
        user = add_staff_user(
            session, scope_of(reseller), email=f"{unique('support')}@example.com", name="Sam",
            password=PASSWORD, role="support",
        )  # fmt: skip
    return user.email


def a_file(content: bytes, name: str = "x.bin") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_an_owner_changes_the_draft_and_visitors_see_it_once_it_is_published(app: Flask) -> None:
    reseller = a_branded(app)
    staff, visitor = staff_of(app, reseller), a_stranger(app, reseller)

    saved = send(staff, name="Neuer Name", accent="A3324F", greeting="Ahoi!")
    meanwhile = visitor.get("/login").get_data(as_text=True)
    published = send(staff, then="publish")

    page = visitor.get("/login").get_data(as_text=True)
    assert (saved.status_code, published.status_code) == (303, 303)
    assert "Hafenfunk" in meanwhile
    assert "Neuer Name" in page
    assert "Ahoi!" in page
    assert "--brand:#a3324f" in visitor.get("/brand.css").get_data(as_text=True)


def test_the_form_shows_every_value_it_would_send(app: Flask) -> None:
    look = replace(
        LOOK, sender_name="Die <Funker>", imprint_text="# Impressum\n\nEins & Zwei", font="lora",
        statement_suffix="FUNK", reply_to="post@hafen.example", terms_url="https://a.example/t",
    )  # fmt: skip
    reseller = a_branded(app, look)

    send(staff_of(app, reseller), sender_name="Die <Funker>", imprint_text=look.imprint_text)

    with transaction(scope_of(reseller)) as session:
        draft = find_draft(session, scope_of(reseller))
    assert draft is not None
    assert draft.look == replace(look, theme_options={"hero": "filled"})


def test_what_was_typed_stays_when_something_is_refused_and_nothing_is_saved(app: Flask) -> None:
    reseller = a_branded(app)
    staff = staff_of(app, reseller)

    refused = send(staff, name="Getippt", support_email="niemand", imprint_text="# Mein\nText")

    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Please enter an e-mail address such as name@example.com." in text_of(refused)
    assert 'value="Getippt"' in page
    assert 'value="niemand"' in page
    assert "# Mein\nText</textarea>" in page
    with transaction(scope_of(reseller)) as session:
        assert find_draft(session, scope_of(reseller)) is None


def test_an_uploaded_logo_stays_even_where_another_field_is_refused(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))

    refused = send(staff, accent="pink", logo_file=a_file(a_picture(300, 60), "evil.exe"))

    found = re.search(r'name="logo_url" value="(/brand/[0-9a-f]{32}/logo\.webp)"', refused.text)
    assert refused.status_code == 422
    assert found is not None
    assert staff.get(found[1]).mimetype == "image/webp"


def test_uploads_are_on_every_page_once_they_are_published(app: Flask) -> None:
    reseller = a_branded(app)
    staff, visitor = staff_of(app, reseller), a_stranger(app, reseller)

    send(
        staff,
        then="publish",
        logo_file=a_file(a_picture(300, 60)),
        favicon_file=a_file(a_picture(256, 256)),
    )

    page = visitor.get("/login").get_data(as_text=True)
    srcset = re.search(r'<img src="(\S+)" srcset="(\S+) 1x, (\S+) 2x" alt="Hafenfunk"', page)
    assert srcset is not None
    assert visitor.get(srcset[3]).mimetype == "image/webp"
    for icon in re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="([^"]+)"', page):
        assert visitor.get(icon).mimetype == "image/png"
    send(staff, then="publish", logo_remove="1")
    assert "<img" not in visitor.get("/login").get_data(as_text=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MZ\x90 no picture", "This file is not a PNG, WebP or SVG picture that can be read."),
        (a_picture(20, 20), "This picture is too small: at least 36 pixels wide and high."),
        (b"<svg>" + b" " * 300_000, "This file is too large: at most 200 kB."),
    ],
)
def test_a_file_that_is_refused_is_said_beside_its_field(
    app: Flask, content: bytes, said: str
) -> None:
    reseller = a_branded(app)

    refused = send(staff_of(app, reseller), logo_file=a_file(content, "logo.png"))

    assert refused.status_code == 422
    assert said in text_of(refused)
    with transaction(scope_of(reseller)) as session:
        assert find_draft(session, scope_of(reseller)) is None


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x.png", "/portal/transactions.csv", "/brand/" + "0" * 32 + "/x.png"],
)
def test_a_picture_from_anywhere_else_is_refused(app: Flask, url: str) -> None:
    reseller = a_branded(app)

    refused = send(staff_of(app, reseller), logo_url=url)

    assert refused.status_code == 422
    with transaction(scope_of(reseller)) as session:
        assert find_draft(session, scope_of(reseller)) is None


def test_colours_that_cannot_be_read_are_said_in_words_with_what_is_used(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))

    send(staff, accent="#ffd400")

    words = text_of(staff.get(EDITOR))
    assert "On light pages #ffd400 has a contrast of 1.3 to 1, too little to read" in words


def test_the_preview_shows_what_is_typed_without_saving_it(app: Flask) -> None:
    reseller = a_branded(app)
    staff = staff_of(app, reseller)
    typed = fields_of(staff.get(EDITOR)) | {"name": "Getippt", "accent": "#a3324f", "font": "lora"}

    portal = staff.post(f"{PREVIEW}/portal", typed, form_on=EDITOR)
    login = staff.post(f"{PREVIEW}/login", typed, form_on=EDITOR)

    for page in (portal, login):
        html = page.get_data(as_text=True)
        assert page.status_code == 200
        assert "<title>" in html
        assert "· Getippt</title>" in html
        assert "--brand:#a3324f" in html
        assert "/static/fonts/lora.woff2?v=" in html
        assert "<script" not in html
    assert "€53.37" in text_of(portal)
    with transaction(scope_of(reseller)) as session:
        assert find_draft(session, scope_of(reseller)) is None


def test_an_email_is_previewed_in_what_is_typed_and_can_do_nothing(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))
    typed = fields_of(staff.get(EDITOR)) | {"name": "Getippt", "accent": "#a3324f"}

    letter = staff.post(f"{PREVIEW}/email", typed, form_on=EDITOR)
    refused = staff.post(f"{PREVIEW}/email", {**typed, "accent": "pink"}, form_on=EDITOR)

    assert "Getippt" in letter.get_data(as_text=True)
    assert "#a3324f" in letter.get_data(as_text=True)
    assert letter.headers["Content-Security-Policy"].endswith("sandbox")
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert refused.status_code == 422


def test_the_preview_says_why_it_cannot_show_something(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))

    page = staff.post(f"{PREVIEW}/portal", {"accent": "pink"}, form_on=EDITOR)

    assert page.status_code == 422
    assert "Choose a colour such as #0f6e84." in text_of(page)


def test_only_the_preview_may_stand_in_a_frame_and_only_in_ours(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))

    preview, editor = staff.get(f"{PREVIEW}/portal"), staff.get(EDITOR)

    assert preview.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]
    assert preview.headers["Cache-Control"] == "no-store"
    assert editor.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in editor.headers["Content-Security-Policy"]


def test_the_notes_on_contrast_follow_the_typing(app: Flask) -> None:
    staff = staff_of(app, a_branded(app))

    notes = staff.post(f"{PREVIEW}/contrast", {"accent": "#ffd400"}, form_on=EDITOR)

    assert "#ffd400" in notes.get_data(as_text=True)
    assert "<html" not in notes.get_data(as_text=True)


def test_an_earlier_version_is_brought_back_from_the_history(app: Flask) -> None:
    reseller = a_branded(app)
    staff, visitor = staff_of(app, reseller), a_stranger(app, reseller)
    send(staff, name="Neuer Name", then="publish")

    staff.post(EDITOR, {"form": "restore", "number": "1"})

    words = text_of(staff.get(EDITOR))
    assert "Hafenfunk" in visitor.get("/login").get_data(as_text=True)
    assert "brings back 1" in words
    assert "On your site now" in words


def test_a_draft_is_thrown_away(app: Flask) -> None:
    reseller = a_branded(app)
    staff = staff_of(app, reseller)
    send(staff, name="Neuer Name")

    staff.post(EDITOR, {"form": "discard"})

    assert 'value="Hafenfunk"' in staff.get(EDITOR).get_data(as_text=True)


def test_a_draft_that_somebody_else_saved_meanwhile_is_not_overwritten_unseen(app: Flask) -> None:
    reseller = a_branded(app)
    first, second = staff_of(app, reseller), staff_of(app, reseller)
    old = fields_of(first.get(EDITOR))
    send(second, name="Von der anderen")

    refused = first.post(EDITOR, old | {"name": "Von der einen"})

    assert refused.status_code == 409
    assert "changed by somebody else" in text_of(refused)
    with transaction(scope_of(reseller)) as session:
        draft = find_draft(session, scope_of(reseller))
    assert draft is not None
    assert draft.look.name == "Von der anderen"


@pytest.mark.parametrize("path", PAGES)
def test_nobody_but_an_owner_of_this_reseller_gets_in(app: Flask, path: str) -> None:
    reseller, other = a_branded(app), a_branded(app)
    support = a_stranger(app, reseller)
    support.sign_in(_support_email(reseller), at="/reseller/login")
    customer = a_stranger(app, reseller)
    customer.sign_in(a_customer_user(a_customer(reseller)).email)
    elsewhere = staff_of(app, other)
    elsewhere.host = a_stranger(app, reseller).host

    assert staff_of(app, reseller).get(path).status_code == 200
    assert support.get(path).status_code == 403
    for person in (a_stranger(app, reseller), customer, elsewhere):
        assert is_turned_away(person.get(path))
    assert an_admin(app).get(path).status_code == 404


def test_staff_who_are_no_owners_are_not_led_there(app: Flask) -> None:
    reseller = a_branded(app)
    support = a_stranger(app, reseller)
    support.sign_in(_support_email(reseller), at="/reseller/login")

    assert EDITOR not in support.get("/reseller/customers").get_data(as_text=True)
    assert EDITOR in staff_of(app, reseller).get("/reseller/customers").get_data(as_text=True)


def test_a_reseller_without_a_brand_starts_from_a_plain_one(app: Flask) -> None:
    staff = staff_of(app, a_reseller())

    first = staff.get(EDITOR)
    send(staff, name="Erste Marke", then="publish")

    assert "Nothing published yet" in text_of(first) or "Noch nichts" in text_of(first)
    assert "Erste Marke" in staff.get(EDITOR).get_data(as_text=True)
