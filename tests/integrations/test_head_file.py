"""The file of exported heads: only ever added to, signed, for us alone."""

from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from app.integrations import head_file
from app.integrations.head_file import HeadFile
from app.ledger import HeadKeyMissingError
from tests.factories.races import all_at_once, answers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "heads.jsonl"


@pytest.fixture
def file(path: Path) -> HeadFile:
    made = HeadFile(path)
    with made.held():
        made.sign(b"")
    return made


def test_lines_are_read_in_both_directions(file: HeadFile) -> None:
    for line in ("one", "", "three"):
        file.append(line)

    assert list(file.lines()) == ["one", "", "three"]
    assert list(file.latest_lines()) == ["three", "", "one"]


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "heads.jsonl")

    assert list(file.lines()) == []
    assert list(file.latest_lines()) == []


@given(
    lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40)),
    piece=st.integers(min_value=1, max_value=9),
)
def test_backwards_is_forwards_turned_round_wherever_the_pieces_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], piece: int
) -> None:
    file = HeadFile(tmp_path_factory.mktemp("heads") / "heads.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head_file, "_PIECE", piece)
        for line in lines:
            file.append(line)

        backwards = list(file.latest_lines())

    assert backwards == lines[::-1]
    assert list(file.lines()) == lines


def test_what_a_crash_left_half_written_is_no_line_and_is_written_over(
    file: HeadFile, path: Path
) -> None:
    file.append("whole")
    with path.open("a") as raw:
        raw.write('{"torn')

    torn = (list(file.lines()), list(file.latest_lines()))
    file.append("next")

    assert torn == (["whole"], ["whole"])
    assert path.read_text() == "whole\nnext\n"


def test_file_and_key_are_for_us_alone(file: HeadFile, path: Path) -> None:
    file.append("one")

    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == {"heads.jsonl": 0o600, "heads.jsonl.key": 0o600, "heads.jsonl.lock": 0o600}


def test_the_printed_key_alone_checks_a_signature(file: HeadFile) -> None:
    signature = file.sign(b"message")

    Ed25519PublicKey.from_public_bytes(b64decode(file.public_key())).verify(signature, b"message")

    assert file.has_signed(b"message", signature)
    assert not file.has_signed(b"other message", signature)
    assert not file.has_signed(b"message", signature[:-1])
    assert not file.has_signed(b"message", b"")


def test_the_key_is_made_once(file: HeadFile, path: Path) -> None:
    signature = file.sign(b"message")

    assert HeadFile(path).has_signed(b"message", signature)
    assert HeadFile(path).public_key() == file.public_key()


def test_a_lost_key_is_not_replaced_where_there_are_lines(file: HeadFile, path: Path) -> None:
    file.append("one")
    key = path.with_name("heads.jsonl.key")
    key.unlink()

    with pytest.raises(HeadKeyMissingError):
        file.sign(b"message")

    assert not key.exists()
    assert not file.has_signed(b"message", bytes(64))


def test_many_writers_lose_no_line(path: Path) -> None:
    def write() -> None:
        file = HeadFile(path)
        with file.held():
            file.append(str(sum(1 for _ in file.lines())))

    results = all_at_once([write] * 8)

    assert len(answers(results)) == 8
    assert list(HeadFile(path).lines()) == [str(number) for number in range(8)]
