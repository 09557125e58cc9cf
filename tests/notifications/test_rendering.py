"""Letters in the clothes of a brand: every kind, every language, no way in for what was typed."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from app.branding import BrandLook, BrandTokens, Language, save_brand
from app.identity import Realm
from app.kernel import Money, transaction
from app.notifications import MessageKind, Recipient, preview_message
from app.notifications.rendering import Rendered, render_message
from app.notifications.samples import SAMPLE_FACTS
from app.notifications.senders import Sender
from app.tenancy import TenantScope
from app.web import words_of
from tests.conftest import Database
from tests.factories import a_custom_host, a_reseller
from tests.fakes import fake_post

LOOK = BrandLook(
    name="Nordlicht Telefonie",
    tokens=BrandTokens(accent="#0f6e84"),
    logo_url="/assets/logo.png",
    support_email="hilfe@nordlicht.example",
    imprint_url="/imprint",
    privacy_url="https://law.example/privacy",
)
ORIGIN = "https://portal.nordlicht.example"
ADDRESS = re.compile(r'(?:href|src)="([^"]*)"')


def render(
    kind: MessageKind = MessageKind.LOW_BALANCE,
    *,
    look: BrandLook = LOOK,
    name: str = "Anna Adler",
    realm: Realm = Realm.CUSTOMER,
    language: str = "de",
    **facts: str | int,
) -> Rendered:
    return render_message(
        kind=kind,
        to=Recipient(realm, None, "anna@example.com", name),
        facts={**SAMPLE_FACTS[kind], **facts},
        sender=Sender(look, ORIGIN),
        words=words_of(language),
        link="TOKEN",
        origin="https://neu.kontor.test",
    )


@pytest.mark.parametrize("language", [each.value for each in Language])
@pytest.mark.parametrize("kind", list(MessageKind), ids=lambda kind: kind.value)
def test_every_kind_is_written_in_every_language(kind: MessageKind, language: str) -> None:
    seen = render(kind, language=language)

    assert seen.subject
    assert "\n" not in seen.subject
    for body in (seen.html, seen.text):
        assert "Nordlicht Telefonie" in body
        assert "%(" not in body
        assert "Anna Adler" in body
    assert f'lang="{language}"' in seen.html


@pytest.mark.parametrize("kind", list(MessageKind), ids=lambda kind: kind.value)
def test_r18_every_address_in_a_letter_is_the_tenants_own_or_the_brands(kind: MessageKind) -> None:
    addresses = ADDRESS.findall(render(kind).html)

    strange = [
        address
        for address in addresses
        if not address.startswith((f"{ORIGIN}/", "https://neu.kontor.test"))
    ]
    assert addresses
    assert set(strange) <= {LOOK.privacy_url}


@pytest.mark.parametrize(
    ("realm", "path"),
    [
        (Realm.CUSTOMER, "/password/reset/TOKEN"),
        (Realm.STAFF, "/reseller/password/reset/TOKEN"),
        (Realm.PLATFORM, "/admin/password/reset/TOKEN"),
    ],
)
def test_a_link_leads_to_the_recipients_portal(realm: Realm, path: str) -> None:
    assert f"{ORIGIN}{path}" in render(MessageKind.PASSWORD_RESET, realm=realm).text


def test_a_platform_is_never_named_in_a_resellers_mail() -> None:
    for kind in MessageKind:
        seen = render(kind)
        shown = (seen.subject + seen.html + seen.text).replace("neu.kontor.test", "")
        assert "kontor" not in shown.lower()


def test_what_somebody_typed_stays_text() -> None:
    seen = render(MessageKind.INVITATION, name="<b>Eve</b>\r\nBcc: x", inviter="<img src=x>{{ 7 }}")

    assert "<b>Eve" not in seen.html
    assert "<img src=x>" not in seen.html
    assert "{{ 7 }}" in seen.html
    assert "Eve" in seen.html


def test_amounts_follow_the_language() -> None:
    assert "8,40\N{NO-BREAK SPACE}€" in render().text
    assert "€8.40" in render(language="en").text


def test_only_what_can_be_turned_off_says_where() -> None:
    where = f"{ORIGIN}/portal/settings/notifications"

    assert where in render().text
    assert where not in render(MessageKind.PASSWORD_RESET).text


def test_a_logo_that_mail_programs_cannot_show_gives_way_to_the_name() -> None:
    vector = BrandLook(name="Nordlicht", tokens=LOOK.tokens, logo_url="/assets/logo.svg")

    assert f'src="{ORIGIN}/assets/logo.png"' in render().html
    assert "<img" not in render(look=vector).html


def test_a_picture_of_the_web_gives_way_to_the_one_for_mail() -> None:
    uploaded = BrandLook(name="Nordlicht", tokens=LOOK.tokens, logo_url="/brand/7/logo.webp")

    assert f'src="{ORIGIN}/brand/7/logo.png"' in render(look=uploaded).html


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_brand_of_one_mode_looks_the_same_at_night(mode: Literal["light", "dark"]) -> None:
    tokens = BrandTokens(accent="#0f6e84", mode=mode)
    html = render(look=BrandLook(name="Nordlicht", tokens=tokens)).html

    day = re.findall(r'class="ground" style="[^"]*background-color:(#\w{6})', html)
    night = re.findall(r"\.ground \{ background-color: (#\w{6})", html)

    assert set(day) == set(night)


def test_a_preview_shows_the_brand_that_is_published(connected: Database) -> None:
    reseller = a_reseller()
    host = a_custom_host(reseller).host
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        save_brand(session, scope, look=LOOK)

    with transaction(scope) as session:
        seen = preview_message(session, scope, fake_post(), kind=MessageKind.TOP_UP_RECEIPT)
        draft = preview_message(
            session,
            scope,
            fake_post(),
            kind=MessageKind.TOP_UP_RECEIPT,
            look=BrandLook(name="Entwurf", tokens=LOOK.tokens),
            language="en",
        )

    assert words_of("de").money(Money(10_000, "EUR")) in seen.subject
    assert f"https://{host}/portal/billing" in seen.html
    assert "Entwurf" in draft.html
    assert 'lang="en"' in draft.html


@pytest.mark.parametrize(
    "name",
    ["Prize: https://evil.example", "see evil.example now", "WWW.EVIL.EXAMPLE", "kim@evil.example",
     "evil.example/x", "//evil"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_not_spoken(name: str) -> None:
    seen = render(MessageKind.EMAIL_CONFIRMATION, name=name)

    for body in (seen.html, seen.text):
        assert "evil" not in body.lower()
        assert "Hallo," in body or "Guten Tag," in body


@pytest.mark.parametrize("name", ["J. R. Meyer", "Dr. Anna Adler-Öz", "K.-H. Müller", "J.R. Ewing"])
def test_an_ordinary_name_is_spoken(name: str) -> None:
    assert name in render(name=name).text
