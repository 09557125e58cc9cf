from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.branding import (
    BrandColourRefusedError,
    BrandEmailRefusedError,
    BrandLineRefusedError,
    BrandLinkRefusedError,
    BrandLook,
    BrandRefusedError,
    BrandTextTooLongError,
    BrandTokens,
    StatementSuffixRefusedError,
    look_of,
    values_of,
)

LOOK = BrandLook(
    name="Hafenfunk",
    tokens=BrandTokens(accent="#a3324f", surface="#fbf5ec", radius="large", mode="dark"),
    font="lora",
    greeting="Moin!",
    terms_text="# AGB\nEins",
    theme_options={"hero": "wide"},
)


def test_what_was_kept_is_the_same_look_again() -> None:
    assert look_of(values_of(LOOK)) == LOOK


def test_what_was_kept_before_a_value_existed_has_its_default() -> None:
    old = {"name": "Hafenfunk", "accent": "#a3324f", "surface": "#fbf5ec"}

    look = look_of(old)

    assert (look.font, look.theme_options, look.tokens.mode) == ("system", {}, "auto")


def test_an_own_text_wins_over_an_address_elsewhere() -> None:
    look = replace(LOOK, imprint_url="https://hafen.example/i", terms_url="https://hafen.example/t")

    assert (look.imprint_link, look.privacy_link, look.terms_link) == (
        "https://hafen.example/i",
        "",
        "/terms",
    )


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"accent": "red"}, BrandColourRefusedError, "accent"),
        ({"surface": "#12345g"}, BrandColourRefusedError, "surface"),
        ({"radius": "9px"}, BrandRefusedError, "radius, density, mode"),
        ({"font": "comic"}, BrandRefusedError, "font"),
        ({"terms_url": "javascript:alert(1)"}, BrandLinkRefusedError, "terms_url"),
        ({"support_email": "nobody"}, BrandEmailRefusedError, "support_email"),
        ({"reply_to": "a@b@c"}, BrandEmailRefusedError, "reply_to"),
        ({"greeting": "x" * 201}, BrandTextTooLongError, "greeting"),
        ({"imprint_text": "x" * 40_001}, BrandTextTooLongError, "imprint_text"),
        ({"statement_suffix": "12345"}, StatementSuffixRefusedError, "statement_suffix"),
        ({"statement_suffix": "ELEVENCHARS"}, StatementSuffixRefusedError, "statement_suffix"),
        ({"statement_suffix": "A*B"}, StatementSuffixRefusedError, "statement_suffix"),
        ({"theme_options": {"../x": "1"}}, BrandRefusedError, "theme_options"),
        ({"theme_options": {"hero": "a\nb"}}, BrandRefusedError, "theme_options"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_and_named(
    changes: dict[str, Any], refusal: type[BrandRefusedError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        look_of(values_of(LOOK) | changes)

    assert refused.value.facts["field"] == field


@given(
    st.sampled_from(["name", "sender_name", "reply_to", "greeting", "support_phone"]),
    st.sampled_from(["\r", "\n", "\r\n", "\0", "\x85", "\u2028", "\u202e", "\x1b"]),
    st.text("ab @.", max_size=8),
    st.text("ab @.", max_size=8),
)
def test_r23_what_stands_in_a_header_holds_no_line_break_and_nothing_invisible(
    field: str, mark: str, before: str, after: str
) -> None:
    with pytest.raises(BrandLineRefusedError):
        look_of(values_of(LOOK) | {field: f"{before}{mark}{after}"})


def test_a_legal_text_has_lines_but_nothing_invisible() -> None:
    assert replace(LOOK, privacy_text="Eins\n\nZwei").privacy_link == "/privacy"
    with pytest.raises(BrandLineRefusedError):
        replace(LOOK, privacy_text="Eins\r\nZwei")
