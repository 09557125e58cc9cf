import pytest

from app.integrations.secret_box import SealedBox

SECRET = b"twenty bytes of noise"


def test_a_sealed_secret_opens_again_and_shows_nothing() -> None:
    box = SealedBox("one key")

    sealed = box.seal(SECRET, about=b"anna")

    assert box.open(sealed, about=b"anna") == SECRET
    assert SECRET not in sealed
    assert box.seal(SECRET, about=b"anna") != sealed


@pytest.mark.parametrize(
    ("box", "about"),
    [(SealedBox("another key"), b"anna"), (SealedBox("one key"), b"berta")],
    ids=["another key", "another person"],
)
def test_a_secret_opens_with_its_own_key_for_its_own_person_alone(
    box: SealedBox, about: bytes
) -> None:
    sealed = SealedBox("one key").seal(SECRET, about=b"anna")

    assert box.open(sealed, about=about) is None


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 60])
def test_what_was_never_sealed_does_not_open(damaged: bytes) -> None:
    assert SealedBox("one key").open(damaged, about=b"anna") is None


def test_a_changed_byte_is_noticed() -> None:
    box = SealedBox("one key")
    sealed = bytearray(box.seal(SECRET, about=b"anna"))
    sealed[-1] ^= 1

    assert box.open(bytes(sealed), about=b"anna") is None
