"""Lines of usage files, read one by one from any place."""

import re
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import ReportedUsage, Result
from app.cli.usage_files import (
    LONGEST_LINE,
    FileFormat,
    Place,
    UsageFileError,
    UsageLine,
    format_of,
    read_usage,
)

CUSTOMER = str(UUID(int=7))
HEADER = "id,customer_id,meter,quantity,occurred_at"
ROW = f"call-1,{CUSTOMER},call_minutes,1.5,2026-01-01T00:00:00Z"
JSON_LINE = (
    f'{{"id": "call-1", "customer_id": "{CUSTOMER}", "meter": "call_minutes", "quantity": 1.5,'
    ' "occurred_at": "2026-01-01T00:00:00Z"}'
)


def lines_of(text: str | bytes, start: Place | None = None) -> list[UsageLine]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_usage(BytesIO(data), FileFormat.CSV, start or Place()))


def reasons(lines: list[UsageLine]) -> list[str | None]:
    """Why each line is no event; None for one that is."""
    return [_reason(each.event) if isinstance(each.event, Result) else None for each in lines]


def _reason(refused: Result) -> str:
    errors = getattr(refused.outcome, "facts", {})["errors"]
    return str(errors[0]["reason"])


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}",
        f"\ufeff{HEADER}\n{ROW}\n",
        f"{HEADER},counterparty,subject\n{ROW},,\n".replace(",", ";"),
        f'"id","customer_id","meter","quantity","occurred_at"\n{ROW}\n',
        f"{HEADER.upper()}\n\n\n{ROW}\n\n",
        f"{HEADER}\n{ROW.replace(',', ' , ')}\n",
    ],
)
def test_a_line_of_csv_is_an_event_however_a_program_writes_it(text: str) -> None:
    lines = lines_of(text)

    assert reasons(lines) == [None]
    (event,) = (each.event for each in lines)
    assert isinstance(event, ReportedUsage)
    assert (event.event_id, str(event.quantity)) == ("call-1", "1.5")
    assert (event.subject, event.counterparty) == (None, None)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "missing: id, meter, quantity, occurred_at, customer_id or subject"),
        ("id,meter,quantity,occurred_at", "missing: customer_id or subject"),
        (f"{HEADER},colour", "unknown: colour"),
        (f"{HEADER},", "unknown: (empty)"),
        (f"{HEADER},id", "a name stands twice"),
        (ROW, "missing: id"),
    ],
)
def test_a_header_of_other_columns_is_refused_at_once(header: str, said: str) -> None:
    with pytest.raises(UsageFileError) as refused:
        read_usage(BytesIO(f"{header}\n{ROW}\n".encode()), FileFormat.CSV, Place())

    assert said in refused.value.message


def test_a_header_that_is_no_text_is_refused() -> None:
    with pytest.raises(UsageFileError, match="UTF-8"):
        lines_of(b"\xff\n")


def test_what_is_wrong_with_a_line_ends_with_it() -> None:
    bad = ['a,"b', "a,b", 'x"y"z,,,,', "\ud800", "x" * (2 * LONGEST_LINE + 7), "a,b,c,d,e\0"]
    text = "\n".join([HEADER, *(part for each in bad for part in (each, ROW))])

    lines = lines_of(text.encode("utf-8", "surrogatepass"))

    assert [each is None for each in reasons(lines)] == [False, True] * len(bad)
    assert reasons(lines)[::2][:2] == [
        "Not a line of CSV: unexpected end of data",
        "2 cells under 5 columns",
    ]
    assert reasons(lines)[6:9:2] == ["Not UTF-8 text", "The line is too long"]
    assert [each.number for each in lines] == list(range(2, 2 + 2 * len(bad)))


@given(
    rows=st.lists(st.sampled_from([ROW, "", "  ", "nonsense", 'a,"b', "x" * 70_000]), max_size=8),
    ending=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
)
def test_law_reading_goes_on_from_behind_any_line(
    rows: list[str],
    ending: str,
    is_ended: bool,  # noqa: FBT001 - Hypothesis passes it by name
) -> None:
    text = ending.join([HEADER, *rows]) + (ending if is_ended else "")
    whole = lines_of(text)

    for number, each in enumerate(whole, 1):
        rest = lines_of(text, each.end)
        assert [line.end for line in rest] == [line.end for line in whole[number:]]
        assert reasons(rest) == reasons(whole[number:])


def test_lines_of_json_are_events_too() -> None:
    text = f"\ufeff{JSON_LINE}\n\n[]\n{JSON_LINE}"

    lines = list(read_usage(BytesIO(text.encode()), FileFormat.NDJSON, Place()))

    assert [each is None for each in reasons(lines)] == [True, False, True]
    assert [each.number for each in lines] == [1, 3, 4]


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("calls.csv", None, FileFormat.CSV),
        ("CALLS.CSV", None, FileFormat.CSV),
        ("calls.ndjson", None, FileFormat.NDJSON),
        ("calls.jsonl", None, FileFormat.NDJSON),
        ("calls.txt", "csv", FileFormat.CSV),
        ("calls.csv", "ndjson", FileFormat.NDJSON),
    ],
)
def test_the_name_tells_the_format_unless_it_is_said(
    name: str, asked: str | None, expected: FileFormat
) -> None:
    assert format_of(Path(name), asked) is expected


def test_a_name_that_tells_nothing_is_refused() -> None:
    with pytest.raises(UsageFileError, match="--format"):
        format_of(Path("calls.txt"), None)


def test_the_file_on_the_page_is_a_usage_file() -> None:
    page = (Path(__file__).parents[2] / "docs/usage.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)

    assert reasons(lines_of(shown)) == [None]
