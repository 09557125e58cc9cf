import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.branding import Block, BlockKind, Words, clean_text, read_text


def shape(text: str) -> list[tuple[str, list[str]]]:
    return [
        (block.kind.value, ["".join(word.text for word in line) for line in block.lines])
        for block in read_text(text)
    ]


def links(text: str) -> list[tuple[str, str]]:
    return [
        (word.text, word.href)
        for block in read_text(text)
        for line in block.lines
        for word in line
        if word.href
    ]


def test_headings_paragraphs_and_lists_are_told_apart() -> None:
    text = "# AGB\nEins\nZwei\n\n## Klein\n- a\n- b\nDrei"

    assert shape(text) == [
        ("heading", ["AGB"]),
        ("paragraph", ["Eins", "Zwei"]),
        ("small_heading", ["Klein"]),
        ("list", ["a", "b"]),
        ("paragraph", ["Drei"]),
    ]


def test_addresses_become_links() -> None:
    text = "Siehe [hier](https://a.example/x), https://b.example/y. Oder an hilfe@c.example!"

    assert links(text) == [
        ("hier", "https://a.example/x"),
        ("https://b.example/y", "https://b.example/y"),
        ("hilfe@c.example", "mailto:hilfe@c.example"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "[x](//evil.example)",
        "[x](/\\evil.example)",
        "[x](http://plain.example)",
        '[x](https://a.example" onclick=1)',
    ],
)
def test_a_link_that_could_do_anything_else_stays_text(text: str) -> None:
    assert all(href.startswith("https://a.example") for _, href in links(text))
    assert "".join(shape(text)[0][1]) == text


def test_markup_of_pages_is_text_like_any_other() -> None:
    assert read_text("<b>x</b>") == (Block(BlockKind.PARAGRAPH, ((Words("<b>x</b>"),),)),)


@given(st.text())
def test_every_text_has_a_reading_and_every_link_a_harmless_start(text: str) -> None:
    for _, href in links(clean_text(text)):
        assert href.startswith(("https://", "mailto:", "/"))
        assert not href.startswith(("//", "/\\"))


@given(st.text())
def test_a_cleaned_text_is_clean_and_stays_so(text: str) -> None:
    cleaned = clean_text(text)

    assert all(line.isprintable() for line in cleaned.split("\n"))
    assert clean_text(cleaned) == cleaned


def test_pasted_spaces_and_breaks_become_plain_ones() -> None:
    assert clean_text("a\u00a0b\tc\r\nd\u200be\u00adf\r") == "a b c\ndef"
