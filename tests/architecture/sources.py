"""The project's own files, read once: what the tests beside this one look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"

# What git does not keep (`.gitignore`), and git itself.
_NOT_OURS = {
    ".git", ".venv", "var", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", ".import_linter_cache",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A Python file: where it lies below the root, its text, its syntax tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The row of the import order it belongs to: `billing` for `app/billing/charges.py`."""
        return self.name.split("/")[1].removesuffix(".py")


@dataclass(frozen=True)
class Import:
    """One imported module of ours, `app.billing.charges`, and where it is asked for."""

    source: Source
    line: int
    module: str


@cache
def python_files(*folders: str) -> tuple[Source, ...]:
    """Return every Python file below these folders of the project."""
    return tuple(
        Source(_name(path), text, ast.parse(text))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (text := path.read_text(encoding="utf-8")) is not None
    )


@cache
def committed_files() -> tuple[Path, ...]:
    """Return every file of the project that is its own, whatever is in it."""
    return tuple(sorted(_walk(ROOT)))


def imports_of_ours(source: Source) -> Iterator[Import]:
    """Yield every module of `app` that a file imports, a submodule taken from its package too."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("app."):
                    yield Import(source, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "app":
            for alias in node.names:
                package = str(node.module)
                full = f"{package}.{alias.name}"
                # A front door may show a function that is called like its module.
                is_inside = _is_module(full) and alias.name not in _shown_by(package)
                yield Import(source, node.lineno, full if is_inside else package)


def packages_of_app() -> set[str]:
    """Return the names below `app`: its packages, and its modules such as `factory`."""
    folders = {path.parent.name for path in APP.glob("*/__init__.py")}
    return folders | {path.stem for path in APP.glob("*.py")} - {"__init__"}


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _NOT_OURS or path.suffix == ".egg-info" or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.parent.name != "certs" or path.name == "README.md":
            yield path


def _is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@cache
def _shown_by(package: str) -> frozenset[str]:
    """Return the names in a package's `__all__`."""
    door = ROOT.joinpath(*package.split("."), "__init__.py")
    tree = ast.parse(door.read_text(encoding="utf-8")) if door.is_file() else ast.Module([], [])
    return frozenset(
        name.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.walk(node.value)
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    )


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
