import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import BadCursorError, read_cursor


@given(position=st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_is_read_back_as_it_was_handed_out(position: int) -> None:
    assert read_cursor(str(position)) == position


@pytest.mark.parametrize("start", [None, ""])
def test_no_cursor_is_the_start(start: str | None) -> None:
    assert read_cursor(start) is None


@pytest.mark.parametrize("cursor", ["-1", "1.5", "x", "١", "1 OR 1=1", "9" * 20, str(2**63)])  # noqa: RUF001
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursorError):
        read_cursor(cursor)
