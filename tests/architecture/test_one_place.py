"""What happens in one place only: commits, the environment, the clock, the last word of an error.

Each exception is listed with its count, so that a second one cannot slip in beside it.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.sources import Source, python_files

COMMITS = {"app/kernel/db.py": 1}
# pydantic-settings reads the environment for these classes; children of ours get theirs from
# `app/cli/configuration.py`, which makes it from settings and reads nothing.
SETTINGS = {"app/settings.py": 1}
ENVIRONMENT: dict[str, int] = {}
CLOCK = {"app/kernel/clock.py": 1}
# A handler's bug must not stop every tenant: the relay logs it and lets that tenant rest.
SWALLOWED = {"app/worker/message_tasks.py": 1, "app/worker/relay.py": 1}
PRINTS: dict[str, int] = {}

_READERS = {"environ", "environb", "getenv", "load_dotenv", "find_dotenv"}

Finder = Callable[[Source], Iterator[ast.AST]]


def commits(source: Source) -> Iterator[ast.AST]:
    yield from (call for call in _calls(source) if _ends(call.func, "commit"))


def environment_reads(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _READERS:
            if ast.unparse(node.value) in {"os", "dotenv"}:
                yield node
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "dotenv"}:
            yield from (alias for alias in node.names if alias.name in _READERS)


def settings_classes(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and any(_ends(one, "BaseSettings") for one in node.bases):
            yield node


def clock_reads(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
            owner = ast.unparse(node.value).split(".")[-1]
            if owner in {"datetime", "date"}:
                yield node


def swallowed_errors(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = [] if node.type is None else ast.unparse(node.type).strip("()").split(", ")
        last = node.body[-1]
        is_raised_again = isinstance(last, ast.Raise) and last.exc is None
        is_wide = not caught or not {"Exception", "BaseException"}.isdisjoint(caught)
        if is_wide and not is_raised_again:
            yield node


def prints(source: Source) -> Iterator[ast.AST]:
    if source.package != "cli":
        yield from (call for call in _calls(source) if ast.unparse(call.func) == "print")


@pytest.mark.parametrize(
    ("finder", "allowed"),
    [
        (commits, COMMITS),
        (environment_reads, ENVIRONMENT),
        (settings_classes, SETTINGS),
        (clock_reads, CLOCK),
        (swallowed_errors, SWALLOWED),
        (prints, PRINTS),
    ],
)
def test_it_happens_where_it_may_and_as_often(finder: Finder, allowed: dict[str, int]) -> None:
    found = Counter(source.name for source in python_files("app", "deploy") for _ in finder(source))

    assert found == allowed


@pytest.mark.parametrize(
    ("finder", "code"),
    [
        (commits, "session.commit()"),
        (environment_reads, "import os\nos.environ['A']"),
        (environment_reads, "import os\nos.getenv('A')"),
        (environment_reads, "from os import environ"),
        (environment_reads, "from dotenv import load_dotenv"),
        (settings_classes, "class A(BaseSettings): ..."),
        (clock_reads, "import datetime\ndatetime.datetime.now()"),
        (clock_reads, "f(clock=datetime.utcnow)"),
        (swallowed_errors, "try: f()\nexcept Exception: pass"),
        (swallowed_errors, "try: f()\nexcept: log()"),
        (prints, "print('a')"),
    ],
)
def test_the_rules_see_a_breach(finder: Finder, code: str) -> None:
    assert list(finder(Source("app/billing/charges.py", code, ast.parse(code))))


@pytest.mark.parametrize(
    ("finder", "code"),
    [
        (environment_reads, "template.environment\nsite_guard.environ"),
        (clock_reads, "ports.clock()\nself.now()\nkernel.now()"),
        (swallowed_errors, "try: f()\nexcept BaseException:\n    undo()\n    raise"),
        (swallowed_errors, "try: f()\nexcept ValueError: pass"),
        (prints, "console.print('a')"),
    ],
)
def test_the_rules_leave_the_rest_alone(finder: Finder, code: str) -> None:
    assert not list(finder(Source("app/billing/charges.py", code, ast.parse(code))))


def _calls(source: Source) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def _ends(node: ast.expr, name: str) -> bool:
    return ast.unparse(node).split(".")[-1] == name
