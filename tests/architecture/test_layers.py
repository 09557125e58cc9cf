"""Who may import whom: `.importlinter` proves the order, these tests that it covers everything."""

import configparser
import re

import app as whole
from tests.architecture.sources import (
    ROOT,
    Import,
    imports_of_ours,
    packages_of_app,
    python_files,
)

ROW = re.compile(r"^ ?\d+  ((?:`\w+`(?:, )?)+)", re.MULTILINE)

# `integrations` has no front door: a vendor's module is its own, and the composition root and the
# commands alone take adapters. The kernel's modules are doors of their own for the rare name that
# its front door does not show.
OPEN_HOUSES = {"integrations", "kernel"}

# Where a file may pass a front door, and why.
PASSES = {
    # Alembic must see every table.
    ("app/schema.py", "models"),
    # Composition root: the hub is made before the pages that use it.
    ("app/factory.py", "live_hub"),
}


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def rows() -> list[list[str]]:
    listed = contracts()["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [[name.strip() for name in row.split("|")] for row in listed]


def names(section: str, key: str) -> set[str]:
    listed = contracts()[f"importlinter:contract:{section}"][key].split()
    return {name.removeprefix("app.") for name in listed}


def test_every_package_has_its_row_and_none_is_optional_that_exists() -> None:
    listed = [name for row in rows() for name in row]

    assert sorted(listed) == sorted(packages_of_app())


def test_the_overview_in_the_package_lists_the_same_rows() -> None:
    told = [
        re.findall(r"`(\w+)`", names)
        for _, names in re.findall(
            r"^ ?(\d+)  ((?:`\w+`(?:, )?)+)", whole.__doc__ or "", re.MULTILINE
        )
    ]

    assert [name for row in told for name in row] == [name for row in rows() for name in row]


def test_sandbox_and_embedded_servers_are_forbidden_everything_of_ours() -> None:
    alone = names("alone", "source_modules")
    above = {"cli", "factory"}
    beside = {name for row in rows() if "sandbox" in row for name in row} - {"settings", "schema"}

    assert alone == {"sandbox", "embedded"}
    assert names("alone", "forbidden_modules") == packages_of_app() - above - beside


def test_every_package_below_the_edge_is_kept_from_vendors() -> None:
    order = rows()
    below = {name for row in order[order.index(["edge"]) + 1 :] for name in row}

    assert names("vendors", "source_modules") == below


def test_a_slice_is_entered_by_its_front_door() -> None:
    found = [
        (each.source.name, each.line, each.module)
        for source in python_files("app")
        for each in imports_of_ours(source)
        if _climbs_in(each)
    ]

    assert found == []


def test_every_pass_is_still_used() -> None:
    used = {
        (each.source.name, each.module.split(".")[2])
        for source in python_files("app")
        for each in imports_of_ours(source)
        if each.module.count(".") > 1
    }

    assert used >= PASSES


def _climbs_in(found: Import) -> bool:
    _, package, *rest = found.module.split(".")
    if not rest or package == found.source.package or package in OPEN_HOUSES:
        return False
    return (found.source.name, rest[0]) not in PASSES
