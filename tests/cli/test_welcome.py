import sys
from pathlib import Path

import pytest

from app.cli.configuration import DEMO_DATA
from app.cli.demo.welcome import command_line


def test_the_demo_says_how_another_terminal_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.chdir(tmp_path)

    usual, other = command_line(DEMO_DATA), command_line(Path("/data"))

    assert usual == ".venv/bin/kontor --demo"
    assert other == ".venv/bin/kontor --env-file /data/environment"


def test_away_from_the_project_the_command_has_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/srv/kontor/.venv/bin/python")
    monkeypatch.chdir(tmp_path)

    said = command_line(DEMO_DATA)

    assert said == "/srv/kontor/.venv/bin/kontor --demo"
