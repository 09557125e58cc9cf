from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import Stage, app_address
from app.identity.browsers import name_browser
from app.identity.second_step_rules import (
    FREE_WRONG_CODES,
    LOCK,
    STEP_SECONDS,
    as_code,
    is_news,
    key_text,
    locked_until,
    matching_step,
    next_stage,
    recovery_hash,
    recovery_text,
)
from tests.factories import AuthenticatorApp

# The secret of RFC 6238, appendix B; codes of six digits are the last six of its eight.
RFC = b"12345678901234567890"
NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
APP = AuthenticatorApp(RFC, ())


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)

    assert matching_step(RFC, code, now=at, last_step=0) == seconds // STEP_SECONDS


@pytest.mark.parametrize(
    ("drift", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_off(drift: int, is_taken: bool) -> None:  # noqa: FBT001
    code = APP.code(NOON + timedelta(seconds=drift * STEP_SECONDS))

    found = matching_step(RFC, code, now=NOON, last_step=0)

    assert (found is not None) == is_taken


@given(st.integers(min_value=-1, max_value=1), st.integers(min_value=-1, max_value=1))
def test_no_code_is_good_after_itself_or_a_later_one(first: int, second: int) -> None:
    codes = [APP.code(NOON + timedelta(seconds=each * STEP_SECONDS)) for each in (first, second)]
    used = matching_step(RFC, codes[0], now=NOON, last_step=0)
    assert used is not None

    again = matching_step(RFC, codes[1], now=NOON, last_step=used)

    assert (again is not None) == (second > first)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("١٢٣٤٥٦", None),
        ("", None),
    ],
)
def test_a_code_is_six_digits_however_they_are_spaced(typed: str, code: str | None) -> None:
    assert as_code(typed) == code


@given(st.binary(min_size=10, max_size=10))
def test_a_recovery_code_is_known_again_however_it_is_copied(random: bytes) -> None:
    user_id, text = uuid4(), recovery_text(random)

    spellings = [
        text.upper(), f"  {text} ", text.replace("-", ""), text.replace("-", " "),
        text.replace("0", "o"), text.replace("1", "l"), text.replace("1", "I"),
    ]  # fmt: skip

    assert len(text) == 19
    assert {recovery_hash(user_id, each) for each in spellings} == {recovery_hash(user_id, text)}
    assert recovery_hash(uuid4(), text) != recovery_hash(user_id, text)


def test_two_recovery_codes_differ() -> None:
    user_id = uuid4()

    assert recovery_hash(user_id, recovery_text(b"a" * 10)) != recovery_hash(
        user_id, recovery_text(b"b" * 10)
    )


@pytest.mark.parametrize(
    ("has_factor", "is_demanded", "stage"),
    [
        (False, False, Stage.SIGNED_IN),
        (False, True, Stage.SETUP),
        (True, False, Stage.CODE),
        (True, True, Stage.CODE),
    ],
)
def test_what_a_right_password_leads_to(
    has_factor: bool,  # noqa: FBT001
    is_demanded: bool,  # noqa: FBT001
    stage: Stage,
) -> None:
    assert next_stage(has_factor=has_factor, is_demanded=is_demanded) is stage


def test_codes_are_locked_from_the_tenth_wrong_one() -> None:
    assert locked_until(FREE_WRONG_CODES - 1, now=NOON) is None
    assert locked_until(FREE_WRONG_CODES, now=NOON) == NOON + LOCK
    assert locked_until(FREE_WRONG_CODES + 5, now=NOON) == NOON + LOCK


@pytest.mark.parametrize(
    ("is_known", "has_others", "days", "told"),
    [
        (True, True, 90, False),
        (False, True, 0, True),
        (False, False, 0, False),
        (False, False, 1, True),
    ],
)
def test_who_is_told_of_a_browser(
    is_known: bool,  # noqa: FBT001
    has_others: bool,  # noqa: FBT001
    days: int,
    told: bool,  # noqa: FBT001
) -> None:
    found = is_news(is_known=is_known, has_others=has_others, account_age=timedelta(days=days))

    assert found == told


def test_an_app_reads_brand_and_address() -> None:
    address = app_address(RFC, account="anna@example.com", issuer="Nord & Süd")

    assert address.startswith("otpauth://totp/Nord%20%26%20S%C3%BCd:anna%40example.com?")
    assert f"secret={key_text(RFC)}" in address


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0", "Firefox/Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
            ),
            "Edge/Windows",
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
            ),
            "Safari/macOS",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1"
            ),
            "Chrome/iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko)"
                " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
            ),
            "Samsung Internet/Android",
        ),
        ("curl/8.5", ""),
        ("Something (Windows NT 10.0)", "/Windows"),
        ("", ""),
    ],
)
def test_a_browser_is_called_by_name_and_system(agent: str, name: str) -> None:
    assert name_browser(agent) == name
