"""The tables of the documentation that are made from the code: settings and error codes.

`python -m tests.architecture.reference` writes them; `test_documentation.py` compares.
"""

import importlib
import pkgutil
from enum import Enum
from itertools import groupby
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import app
from app.edge.answers import STATUS
from app.kernel import AppError
from app.settings import Settings
from tests.architecture.sources import ROOT

README = ROOT / "README.md"
ERRORS = ROOT / "docs" / "errors.md"


def error_classes() -> list[type[AppError]]:
    """Return every refusal there is, by code; imports all of `app` to find them."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[AppError]] = set()
    waiting = [AppError]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        # Tests make refusals of their own.
        found |= {each for each in below if each.__module__.startswith("app.")}
    return sorted(found, key=lambda each: each.code)


def settings_table() -> str:
    """Return a row for every setting."""
    rows = [
        f"| `{name.upper()}` | {_cell(field.description)} | {_default(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| name | meaning | default |", "| --- | --- | --- |", *rows])


def errors_table() -> str:
    """Return a table of refusals for each slice."""
    parts = []
    for slice_name, errors in groupby(error_classes(), lambda each: each.code.split(".")[0]):
        rows = [
            f"| `{each.code}` | {STATUS[each.kind].value} | {_cell(_meaning(each))} |"
            for each in errors
        ]
        head = [f"## {slice_name}", "", "| code | status | when |", "| --- | --- | --- |"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)


def with_table(text: str, name: str, table: str) -> str:
    """Return `text` with the table between its marks."""
    begin, end = f"<!-- {name}: made by tests/architecture/reference.py -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise LookupError(f"the marks of {name} are missing")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


TABLES = {README: ("settings", settings_table), ERRORS: ("errors", errors_table)}


def expected(path: Path) -> str:
    """Return what a page of documentation says once its table is up to date."""
    name, make = TABLES[path]
    return with_table(path.read_text(encoding="utf-8"), name, make())


def _meaning(error: type[AppError]) -> str:
    return (error.__doc__ or "").strip().partition("\n")[0]


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    return f"`{value}`" if value not in {None, ""} else "none"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    for page in TABLES:
        page.write_text(expected(page), encoding="utf-8")
