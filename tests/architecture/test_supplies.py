"""What the project takes from elsewhere is pinned, and nothing in it says whose machine made it."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, committed_files

REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,_-]+\])?==[^\s;]+(?: ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")

# Written so that this file does not match itself.
MACHINES = re.compile(r"/(?:root|home|work)/(?!\.)\w|[A-Z]:\\\\Users|/Users/\w")
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|(?<!no-emit)-index-url[ =]|extra-i[n]dex|-find-links[ =]h"
)


def test_requirements_are_hashed_and_hold_no_address() -> None:
    strange = [
        f"{path.name}: {line}"
        for path in REQUIREMENTS
        for line in path.read_text(encoding="utf-8").splitlines()
        if not (PIN.fullmatch(line) or HASH.fullmatch(line))
    ]

    assert REQUIREMENTS
    assert strange == []


def test_what_runs_is_part_of_what_is_developed_with() -> None:
    run, dev = (
        set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    )

    assert run <= dev


@pytest.mark.parametrize("pattern", [MACHINES, REGISTRIES], ids=["machine", "registry"])
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in committed_files()
        if (text := _text(path)) and (match := pattern.search(text))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINES, "/ho" + "me/anna/kontor"),
        (MACHINES, "see /ro" + "ot/x"),
        (REGISTRIES, "https://py" + "pi.org/simple"),
        (REGISTRIES, "--index" + "-url https://mirror"),
    ],
)
def test_the_rules_see_a_breach(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8", "replace")
