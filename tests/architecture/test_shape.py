"""How files look: short, named for what they hold, imports first (guides: style rules 4 to 8)."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, committed_files, python_files

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 40
NAMES_THAT_SAY_NOTHING = {"service", "utils", "helpers", "common", "manager", "base"}

# Alembic wrote these two functions from the models; nobody reads or changes them line by line.
WRITTEN_BY_ALEMBIC = "migrations/versions/0001_foundations.py"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def everything() -> tuple[Source, ...]:
    found = python_files("app", "tests", "migrations", "deploy")
    return tuple(source for source in found if source.name != WRITTEN_BY_ALEMBIC)


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        source.name: lines
        for source in everything()
        if (lines := len(source.text.splitlines())) > MOST_LINES
    }

    assert long == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{source.name}:{node.lineno} {node.name}": lines
        for source in everything()
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTIONS)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }

    assert long == {}


def test_every_file_is_named_for_what_it_holds() -> None:
    vague = [
        path
        for path in committed_files()
        for part in (path.stem, path.parent.name)
        if part.lower().rstrip("s") in {name.rstrip("s") for name in NAMES_THAT_SAY_NOTHING}
    ]

    assert vague == []


def test_imports_stand_at_the_top() -> None:
    hidden = [
        f"{source.name}:{node.lineno}"
        for source in everything()
        for node in _hidden_imports(source.tree)
    ]

    assert hidden == []


def test_a_front_door_holds_what_others_may_use_and_nothing_else() -> None:
    rooms = [
        f"{source.name}:{node.lineno}"
        for source in python_files("app")
        if source.name.endswith("/__init__.py")
        for node in source.tree.body
        if not (_is_docstring(node) or _is_list_of_names(node))
        and not isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert rooms == []


@pytest.mark.parametrize("frame", ["def f(): {}", "class A: {}", "try: {}\nfinally: ..."])
def test_the_rule_on_imports_sees_a_hidden_one(frame: str) -> None:
    assert list(_hidden_imports(ast.parse(frame.format("import os"))))
    assert not list(_hidden_imports(ast.parse("import os\n" + frame.format("..."))))


def _hidden_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body:
            yield node


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_list_of_names(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
