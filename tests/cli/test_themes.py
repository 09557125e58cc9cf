"""`kontor themes check`: what an operator learns before a start."""

from __future__ import annotations

from pathlib import Path

from app.factory import THEMES
from tests.cli.conftest import Operator
from tests.edge.theme_folders import a_theme

GOOD = {"templates/customer/login.html": '{% extends "customer/login.html" %}'}


def test_the_themes_we_ship_are_in_order(operator: Operator) -> None:
    result = operator.runs("themes", "check")

    assert result.exit_code == 0
    names = {folder.name for folder in THEMES.iterdir()}
    assert len(names) >= 3
    assert all(name in result.output for name in names)


def test_a_broken_theme_is_told_with_its_reason_and_status_one(
    operator: Operator, tmp_path: Path
) -> None:
    a_theme(tmp_path, GOOD, name="good")
    a_theme(tmp_path, {"templates/customer/login.html": "{% if %}"}, name="bad")
    (tmp_path / "empty").mkdir()

    result = operator.runs("themes", "check", "--folder", str(tmp_path))

    assert result.exit_code == 1
    assert "templates/customer/login.html, line 1" in result.output
    assert "theme.toml cannot be read" in result.output
    assert "in order" in result.output


def test_the_check_needs_neither_database_nor_settings(operator: Operator) -> None:
    nobody = Operator({**dict.fromkeys(operator.environment), "SECRET_KEY": None})

    assert nobody.runs("themes", "check").exit_code == 0
