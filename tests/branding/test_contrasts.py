from hypothesis import given
from hypothesis import strategies as st

from app.branding import BrandTokens, Mode, colour_roles, contrast, contrast_notes

colours = st.integers(min_value=0, max_value=0xFFFFFF).map(lambda number: f"#{number:06x}")
modes: st.SearchStrategy[Mode] = st.sampled_from(("auto", "light", "dark"))


@given(st.builds(BrandTokens, accent=colours, surface=colours, mode=modes))
def test_whatever_replaces_an_accent_can_be_read_and_every_replacement_is_said(
    tokens: BrandTokens,
) -> None:
    notes = {each.mode: each for each in contrast_notes(tokens) if each.colour == "accent"}

    for mode in ("light", "dark"):
        used = colour_roles(tokens, mode)["accent"]
        is_shown = tokens.mode in {"auto", mode}
        assert (mode in notes) == (is_shown and used != tokens.accent)
    for note in notes.values():
        assert note.used_ratio >= 4.5
        assert note.used == colour_roles(tokens, note.mode)["accent"]


@given(st.builds(BrandTokens, accent=colours, surface=colours))
def test_an_accent_that_cannot_be_read_on_the_page_never_goes_unsaid(tokens: BrandTokens) -> None:
    said = {each.mode for each in contrast_notes(tokens) if each.colour == "accent"}

    for mode in ("light", "dark"):
        page = colour_roles(tokens, mode)["surface"]
        if contrast(tokens.accent, page) < 4.5:
            assert mode in said


def test_a_dark_tint_on_light_pages_is_said_once() -> None:
    notes = contrast_notes(BrandTokens("#0f6e84", "#102030"))

    assert [(each.mode, each.asked) for each in notes if each.colour == "surface"] == [
        ("light", "#102030")
    ]


def test_colours_that_are_used_as_they_are_need_no_words() -> None:
    assert contrast_notes(BrandTokens("#0f6e84", "#f1f7f8", mode="light")) == ()
