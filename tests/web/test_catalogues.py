from datetime import UTC, datetime

import pytest

from app.kernel import Money
from app.web import words_of


@pytest.mark.parametrize(
    ("language", "amount", "moment"),
    [
        ("de", "1.234,50\N{NO-BREAK SPACE}€", "2. November 2026, 11:30"),
        ("en", "€1,234.50", "November 2, 2026, 11:30\N{NARROW NO-BREAK SPACE}AM"),
    ],
)
def test_a_language_writes_amounts_and_times_as_its_pages_do(
    language: str, amount: str, moment: str
) -> None:
    words = words_of(language)

    assert words.money(Money(123_450, "EUR")) == amount
    assert words.moment(datetime(2026, 11, 2, 10, 30, tzinfo=UTC)) == moment


def test_placeholders_are_filled_and_a_percent_sign_alone_stays() -> None:
    words = words_of("de")

    assert words.gettext("Hello %(name)s,", name="50 % Anna") == "Guten Tag 50 % Anna,"
    assert words.gettext("Hello,") == "Guten Tag,"


def test_a_language_that_we_do_not_speak_is_english() -> None:
    assert words_of("tlh").language == "en"
    assert words_of("tlh").gettext("Hello,") == "Hello,"
