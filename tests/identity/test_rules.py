import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import InvalidEmailError, WeakPasswordError, normalise_email
from app.identity.passwords import NOBODYS_HASH, hash_password, is_outdated, is_password


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Anna.Adler@Example.COM ", "anna.adler@example.com"),
        ("\uff41nna@example.com", "anna@example.com"),
        ("anna@faß.de", "anna@xn--fa-hia.de"),
        ("anna+kontor@example.co.uk", "anna+kontor@example.co.uk"),
    ],
)
def test_an_address_is_kept_in_one_spelling(typed: str, kept: str) -> None:
    assert normalise_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "anna", "anna@", "@example.com", "a@b@c.de", "anna adler@example.com",
        "anna@exa mple.com", "anna@example.com\nBcc: x@y.z", "anna@example.com:25",
        "<anna@example.com>", f"{'a' * 65}@example.com", f"anna@{'a' * 300}.com", "anna@\u2603",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidEmailError):
        normalise_email(typed)


@given(st.text(max_size=80))
def test_any_text_is_an_address_with_one_spelling_or_refused(typed: str) -> None:
    try:
        kept = normalise_email(typed)
    except InvalidEmailError:
        return

    assert normalise_email(kept) == kept
    assert kept.isprintable()
    assert " " not in kept


def test_a_password_is_hashed_and_recognised_in_either_unicode_form() -> None:
    composed, decomposed = "gr\u00fcne Wiese 7", "gru\u0308ne Wiese 7"

    stored = hash_password(composed)

    assert stored.startswith("$argon2id$")
    assert composed not in stored
    assert is_password(stored, decomposed)
    assert not is_password(stored, "gr\u00fcne Wiese 8")


@pytest.mark.parametrize("password", ["", "too short", "x" * 257])
def test_a_password_outside_the_policy_is_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        hash_password(password)


def test_nobody_knows_the_password_that_stands_in_for_a_missing_one() -> None:
    assert not is_password(None, "")
    assert not is_password(None, "any password at all")
    assert not is_outdated(NOBODYS_HASH)
