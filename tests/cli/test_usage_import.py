"""Usage from files: every line once, whatever stops the import; what is not charged is told."""

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from app.billing import Wallet
from app.cli.usage_import import CHUNK
from app.kernel import now, transaction
from app.tenancy import PlatformScope, get_reseller
from tests.cli.conftest import Operator
from tests.factories.lines import a_line
from tests.factories.money import METER, a_priced_reseller, a_settled_top_up, a_wallet, funds_of

ROOT = Path(__file__).parents[2]
HEADER = "id,subject,customer_id,meter,quantity,occurred_at,counterparty"
AT = (now() - timedelta(minutes=1)).isoformat()
PATIENCE = 60.0


def slug_of(wallet: Wallet) -> str:
    with transaction(PlatformScope()) as session:
        slug = session.scalar(
            text("SELECT slug FROM tenants WHERE id = :id"), {"id": wallet.reseller_id}
        )
    return str(slug)


def charged_ids(wallet: Wallet) -> list[str]:
    with transaction(PlatformScope()) as session:
        rows = session.execute(
            text("SELECT event_id FROM usage_records WHERE reseller_id = :reseller"),
            {"reseller": wallet.reseller_id},
        )
        return sorted(row.event_id for row in rows)


def line(name: object, wallet: Wallet, quantity: str = "1", meter: str = METER) -> str:
    return f"{name},,{wallet.customer_id},{meter},{quantity},{AT},+4930123456"


def a_file(folder: Path, lines: Sequence[str], name: str = "calls.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return file


def rejects_of(file: Path) -> list[dict[str, str]]:
    path = file.with_name(f"{file.name}.rejects.csv")
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def state_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.state")


def test_every_line_of_a_file_is_charged(operator: Operator, tmp_path: Path) -> None:
    wallet = a_wallet(5_000)
    file = a_file(tmp_path, [line(f"call-{each}", wallet) for each in range(3)])

    result = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    assert result.exit_code == 0, result.output
    assert charged_ids(wallet) == ["call-0", "call-1", "call-2"]
    assert funds_of(wallet) == 4_997
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]


def test_lines_that_are_not_charged_are_told_with_number_and_reason(
    operator: Operator, tmp_path: Path
) -> None:
    wallet = a_wallet(500)
    file = a_file(
        tmp_path,
        [
            line("good", wallet),
            "",
            line("-dear", wallet, "501"),
            line("=1+1", wallet),
            "too,few,cells",
            'open,"quote,,call_minutes,1,x,',
            line("unknown", wallet, meter="smoke_signals"),
            line("last", wallet),
        ],
    )

    result = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    assert result.exit_code == 3
    assert "billing.insufficient_funds" in result.output
    assert [(each["line"], each["id"], each["code"]) for each in rejects_of(file)] == [
        ("4", "'-dear", "billing.insufficient_funds"),
        ("5", "", "billing.malformed_usage"),
        ("6", "", "billing.malformed_usage"),
        ("7", "", "billing.malformed_usage"),
        ("8", "unknown", "pricing.no_price"),
    ]
    assert rejects_of(file)[2]["reason"] == "body: 3 cells under 7 columns"
    assert rejects_of(file)[4]["reason"].startswith("There is no price for the meter “smoke")
    assert charged_ids(wallet) == ["good", "last"]


def test_a_second_import_charges_only_what_was_rejected(operator: Operator, tmp_path: Path) -> None:
    wallet = a_wallet(500)
    file = a_file(tmp_path, [line("first", wallet, "400"), line("second", wallet, "400")])
    command = ("usage", "import", str(file), "--reseller", slug_of(wallet))
    first = operator.runs(*command)
    a_settled_top_up(wallet, 1_000)

    again = operator.runs(*command)

    assert (first.exit_code, again.exit_code) == (3, 0)
    assert "charged before" in again.output
    assert rejects_of(file) == []
    assert funds_of(wallet) == 700


def test_lines_of_json_are_charged_and_rejected_as_lines_of_json(
    operator: Operator, tmp_path: Path
) -> None:
    wallet = a_wallet(5_000)
    events: list[dict[str, object]] = [
        {"id": "first", "subject": a_line(wallet), "meter": METER, "quantity": 1.5},
        {"id": "none", "subject": "line:nobody", "meter": METER, "quantity": "1"},
    ]
    file = tmp_path / "calls.ndjson"
    file.write_text(
        "".join(f"{json.dumps({**each, 'occurred_at': AT})}\n" for each in events) + "{broken\n"
    )

    result = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    rejects = (tmp_path / "calls.ndjson.rejects.ndjson").read_text().splitlines()
    assert result.exit_code == 3, result.output
    assert charged_ids(wallet) == ["first"]
    assert [(each["line"], each["code"]) for each in map(json.loads, rejects)] == [
        (2, "billing.unknown_subject"),
        (3, "billing.malformed_usage"),
    ]


def test_the_platforms_file_charges_subjects_of_all_resellers(
    operator: Operator, tmp_path: Path
) -> None:
    wallets = [a_wallet(5_000) for _ in range(2)]
    lines = [f"call-1,{a_line(wallet)},,{METER},10,{AT}," for wallet in wallets]
    file = a_file(tmp_path, [*lines, line("call-2", wallets[0])])

    result = operator.runs("usage", "import", str(file), "--platform")

    assert result.exit_code == 3, result.output
    assert [funds_of(wallet) for wallet in wallets] == [4_990, 4_990]
    assert [each["code"] for each in rejects_of(file)] == ["billing.subject_needed"]


def test_a_dry_run_looks_at_every_line_and_charges_nothing(
    operator: Operator, tmp_path: Path
) -> None:
    wallet = a_wallet(5_000)
    good = a_file(tmp_path, [line("call-1", wallet)])
    bad = a_file(tmp_path, [line("call-1", wallet, "-1"), line("call-2", wallet)], "bad.csv")

    clean, dirty = (
        operator.runs(
            *("usage", "import", str(file), "--dry-run"),
            # It needs no database.
            DATABASE_URL=None,
            DATABASE_PLATFORM_URL=None,
        )
        for file in (good, bad)
    )

    assert (clean.exit_code, dirty.exit_code) == (0, 3)
    assert "Line 2: quantity: Input should be greater than 0" in dirty.output
    assert "1 lines are well formed, 1 are not" in dirty.output
    assert charged_ids(wallet) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "calls.csv"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--reseller SLUG or --platform"),
        (("--platform", "--reseller", "x"), "--reseller SLUG or --platform"),
        (("--reseller", "nobody-is-called-so"), "tenancy.not_found"),
    ],
)
def test_it_must_be_clear_whose_usage_it_is(
    operator: Operator, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    file = a_file(tmp_path, [])

    refused = operator.runs("usage", "import", str(file), *options)

    assert refused.exit_code == 2
    assert said in refused.output


def import_process(file: Path, wallet: Wallet, operator: Operator) -> subprocess.Popen[bytes]:
    given = {name: value for name, value in operator.environment.items() if value is not None}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "app.cli"),
            *("usage", "import", str(file), "--reseller", slug_of(wallet)),
        ],
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_killed_in_the_middle_it_goes_on_where_it_was(operator: Operator, tmp_path: Path) -> None:
    wallet = a_wallet(500_000)
    # Every tenth line is rejected, in every chunk.
    lines = [
        line(f"call-{each:05}", wallet, meter="unknown" if each % 10 == 7 else METER)
        for each in range(12 * CHUNK)
    ]
    file = a_file(tmp_path, lines)
    process = import_process(file, wallet, operator)
    wait_for(state_of(file).exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = json.loads(state_of(file).read_text())
    # As if it had died between writing its rejects and keeping its state.
    with file.with_name("calls.csv.rejects.csv").open("a") as rejects:
        rejects.write("9999,call-x,some.code,written but not kept\n")

    result = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    good = [f"call-{each:05}" for each in range(12 * CHUNK) if each % 10 != 7]
    assert 0 < state["place"]["offset"] < file.stat().st_size
    assert result.exit_code == 3, result.output
    assert charged_ids(wallet) == good
    assert funds_of(wallet) == 500_000 - len(good)
    assert [int(each["line"]) for each in rejects_of(file)] == [
        number for number, each in enumerate(lines, 2) if ",unknown," in each
    ]
    assert not state_of(file).exists()


def stopped_import(file: Path, wallet: Wallet) -> None:
    """The state that a killed import of the first line left behind."""
    head = file.read_bytes().splitlines(keepends=True)[:2]
    state = {
        "target": f"reseller {slug_of(wallet)}",
        "head": {"size": 0, "sha256": sha256(b"").hexdigest()},
        "place": {"offset": sum(map(len, head)), "lines": 2},
        "outcomes": {"charged": 1},
        "rejects": 0,
    }  # fmt: skip
    state_of(file).write_text(json.dumps(state))


def test_lines_before_the_state_are_not_looked_at_again(operator: Operator, tmp_path: Path) -> None:
    wallet = a_wallet(5_000)
    file = a_file(tmp_path, [line("done", wallet), line("open", wallet)])
    stopped_import(file, wallet)

    result = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    assert result.exit_code == 0, result.output
    assert charged_ids(wallet) == ["open"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head": {"size": 5, "sha256": "0" * 64}}, "begins differently"),
        ({"place": {"offset": 10**6, "lines": 2}}, "longer file"),
        ({"target": "the platform"}, "belongs to an import for the platform"),
        ({"place": None}, "cannot be read"),
        ({"rejects": 7}, "was changed"),
    ],
)
def test_the_state_of_something_else_is_refused(
    operator: Operator, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    wallet = a_wallet(5_000)
    file = a_file(tmp_path, [line("done", wallet), line("open", wallet)])
    stopped_import(file, wallet)
    state = json.loads(state_of(file).read_text()) | change
    state_of(file).write_text(json.dumps(state))

    refused = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    assert refused.exit_code == 2
    assert said in refused.output
    assert charged_ids(wallet) == []
    assert json.loads(state_of(file).read_text()) == state


def test_two_imports_of_one_file_at_once_are_refused(operator: Operator, tmp_path: Path) -> None:
    wallet = a_wallet(5_000)
    file = a_file(tmp_path, [line("call-1", wallet)])

    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused = operator.runs("usage", "import", str(file), "--reseller", slug_of(wallet))

    assert refused.exit_code == 2
    assert "Another import" in refused.output
    assert charged_ids(wallet) == []


def test_the_reseller_is_the_one_that_was_named(operator: Operator, tmp_path: Path) -> None:
    mine, other = a_priced_reseller(), a_wallet(5_000)
    with transaction(PlatformScope()) as session:
        assert get_reseller(session, PlatformScope(), slug=mine.slug).id == mine.id
    file = a_file(tmp_path, [line("call-1", other)])

    result = operator.runs("usage", "import", str(file), "--reseller", mine.slug)

    assert result.exit_code == 3
    assert [each["code"] for each in rejects_of(file)] == ["billing.customer_not_found"]
    assert funds_of(other) == 5_000
