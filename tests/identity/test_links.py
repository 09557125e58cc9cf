"""Tokens of links that are sent to people."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.identity import link_token, read_link_token

SECRET = "a secret of thirty-two characters"


@given(st.uuids())
def test_a_token_tells_its_link(link: UUID) -> None:
    token = link_token(SECRET, link)

    assert read_link_token(SECRET, token) == link
    assert len(token) == 48
    assert "=" not in token


def test_a_token_made_with_another_secret_tells_nothing() -> None:
    assert read_link_token(SECRET, link_token("another " + SECRET, uuid4())) is None


@given(st.integers(0, 47), st.characters(codec="ascii"))
def test_a_changed_token_tells_nothing(place: int, put: str) -> None:
    token = link_token(SECRET, UUID(int=7))
    changed = token[:place] + put + token[place + 1 :]

    assert changed == token or read_link_token(SECRET, changed) is None


@given(st.text(max_size=80))
def test_any_text_is_refused_without_an_error(text: str) -> None:
    assert read_link_token(SECRET, text) is None
