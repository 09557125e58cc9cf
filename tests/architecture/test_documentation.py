"""What is written about the project is complete and true where a machine can tell."""

import re
from pathlib import Path

import click
import pytest

from app.cli import main
from app.settings import Settings
from tests.architecture.reference import ERRORS, TABLES, error_classes, expected
from tests.architecture.sources import ROOT, packages_of_app, python_files

DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PAGES = sorted(
    {*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "certs/README.md", ROOT / "nginx/README.md"}
)
FOLDERS = r"(?:app|tests|docs|migrations|deploy|themes|nginx|certs|requirements)"
# A path is a path of ours when it starts with a folder of ours and names a file or a folder.
PATH = re.compile(rf"`({FOLDERS}/[\w./*-]*\w(?:/|\.\w+)?)(?::\w+)?`")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
# `python -m tests.benchmarks` writes it, and a reader of the tutorial makes the files it is about.
MADE_LATER = {"docs/benchmarks.md", "tests/benchmarks"}
TUTORIAL = DOCS / "tutorial.md"
CODE = re.compile(r"[a-z]+\.[a-z]+(?:_[a-z]+)*")
# Rules of guides that the code cites by number: `rule R11`, `(R4.2)`.
RULE = re.compile(r"\bR[1-9]\d?(?:\.\d)?\b")
COMMAND = re.compile(r"(?<![\w/.-])kontor (?:--env-file FILE |--demo )?([a-z]+)(?: ([a-z-]+))?")
REQUIREMENT = re.compile(r"[Rr]equirements? ([A-M]\d{1,2}(?:, [A-M]\d{1,2})*)")


def test_every_setting_says_what_it_means() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]

    assert silent == []


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.name)
def test_tables_made_from_the_code_are_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == expected(page), (
        "run: python -m tests.architecture.reference"
    )


def test_every_code_names_its_slice_and_is_used_once() -> None:
    codes = [error.code for error in error_classes()]
    strangers = [error for error in error_classes() if not _is_well_named(error.code)]
    homes = {
        error.code: error.__module__
        for error in error_classes()
        if error.code.split(".")[0] not in error.__module__.split(".")
    }

    assert len(codes) == len(set(codes))
    assert strangers == []
    assert homes == {}


def test_codes_that_the_edge_makes_itself_are_documented() -> None:
    known = {error.code for error in error_classes()}
    page = ERRORS.read_text(encoding="utf-8")
    text = "".join(source.text for source in python_files("app/edge"))
    made = set(re.findall(r'"(edge\.[a-z_]+)"', text)) - known

    assert made
    assert all(f"`{code}`" in page for code in made)


def test_every_refusal_says_when_and_speaks_to_people() -> None:
    silent = [error.code for error in error_classes() if not (error.__doc__ and error.text)]

    assert silent == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_parts_and_fits_on_a_screen(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]
    assert len(lines) <= 50


def test_decisions_that_the_code_cites_exist() -> None:
    cited = {
        number
        for source in python_files("app", "migrations", "tests")
        for number in re.findall(r"decision (\d{4})", source.text)
    }

    assert cited <= {path.name[:4] for path in DECISIONS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path.rstrip("/") for path in PATH.findall(text)} - MADE_LATER
    linked = {(page.parent / path).resolve() for path in LINK.findall(text)}
    if page == TUTORIAL:
        named -= set(re.findall(r"\(new\) `([^`]+)`", text))
    lost = [path for path in sorted(named) if not any(ROOT.glob(path))]
    broken = [
        path
        for path in sorted(linked)
        if not path.exists() and path.relative_to(ROOT).as_posix() not in MADE_LATER
    ]

    assert lost == []
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = [*re.findall(r"```.*?```", text, re.DOTALL), *re.findall(r"`[^`\n]+`", text)]
    named = {command for part in code for command in COMMAND.findall(part)}

    assert sorted(command for command in named if not _is_command(*command)) == []


def test_the_readme_says_where_every_package_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}

    assert folders <= packages_of_app()
    assert [name for name in sorted(folders) if f"`app/{name}`" not in text] == []


def test_every_rule_the_code_cites_is_explained() -> None:
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    sources = python_files("app", "migrations", "tests")
    cited = {rule for source in sources for rule in RULE.findall(source.text)} | {
        number
        for source in sources
        for numbers in REQUIREMENT.findall(source.text)
        for number in numbers.split(", ")
    }

    assert sorted(rule for rule in cited if f"| {rule} |" not in page) == []


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    helped = re.findall(r"^([a-z0-9-]+):.*## \S", text, re.MULTILINE)

    assert sorted(phony) == sorted(helped)


def _is_command(name: str, below: str) -> bool:
    command = main.commands.get(name)
    if isinstance(command, click.Group) and below:
        return below in command.commands
    return command is not None


def _is_well_named(code: str) -> bool:
    return CODE.fullmatch(code) is not None
