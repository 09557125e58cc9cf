"""Every language is complete, one word per thing; `make messages` repairs what fails here first."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel

import app
from app.billing import HistoryLine
from app.kernel import AppError, Language, Money
from app.web.rows import transaction_row
from tests.web.visible_text import signatures, unmarked_texts

ROOT = Path(__file__).parents[2]
TRANSLATIONS = ROOT / "app/web/translations"
# English is the language of the sources.
TRANSLATED = ("de", "fr", "es")
TEMPLATES = [
    *sorted((ROOT / "app/web/templates").rglob("*.html")),
    *sorted((ROOT / "themes").glob("*/templates/**/*.html")),
]
# Shown as they are in every language: a currency, how an address begins, what is typed into a
# terminal.
SAME_EVERYWHERE = {"EUR", "https://", "kontor ledger verify"}
SHARED = ("components.html", "shell.html")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# One word per thing: what stands here has a German word that we use.
FOREIGN = {
    "Account", "Balance", "Billing", "Button", "Dashboard", "Feedback", "Kontostand", "Login",
    "Logout", "Payment", "Request", "Reseller", "Saldo", "Support", "Ticket", "Topup", "Top-up",
    "Transaktion", "Transaktionen", "Wallet",
}  # fmt: skip
INFORMAL = re.compile(r"\b(du|dir|dich|dein\w*)\b", re.IGNORECASE)
INFORMAL_BY_LANGUAGE = {
    "fr": re.compile(r"\b(tu|toi|ton|ta|tes)\b", re.IGNORECASE),
    "es": re.compile(r"\b(tú|ti|tu|tus|vosotros|vuestr\w+)\b", re.IGNORECASE),
}
# The words of docs/languages.md stand for these.
FOREIGN_BY_LANGUAGE = {
    "fr": {"Balance", "Dashboard", "Login", "Logout", "Topup", "Wallet", "balance", "email"},
    "es": {"Balance", "Dashboard", "Login", "Logout", "Topup", "Wallet", "balance", "email"},
}
MARKUP = re.compile(r"&\w+;|<[^>]+>|\b\w+_\w+\b|--[\w-]+|application/[\w-]+")
# Only the platform calls them so; to themselves and to customers they are a brand.
FOR_THE_PLATFORM = ("app/web/templates/platform/", "app/tenancy/", "app/web/platform/")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Extract with the very command of `make messages`."""
    target = tmp_path_factory.mktemp("messages") / "messages.pot"
    recipe = (ROOT / "Makefile").read_text()
    (line,) = re.findall(r"^\t\$\(RUN\)/pybabel (-q extract .*)$", recipe, re.MULTILINE)
    arguments = [
        str(target) if each == "build/messages.pot" else each for each in shlex.split(line)
    ]
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", *arguments], cwd=ROOT, check=True
    )
    with target.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module", params=TRANSLATED)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    """Each language in turn."""
    return _read(request.param)


@pytest.fixture(scope="module")
def german() -> Catalog:
    return _read("de")


def _read(language: str) -> Catalog:
    with _path(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _path(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES/messages.po"


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def _forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or [""])


def _by_id(catalogue: Catalog) -> dict[str | tuple[str, ...], list[str]]:
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): _forms(message.string)
        for message in _messages(catalogue)
    }


def _said(catalogue: Catalog) -> Iterator[tuple[Message, str]]:
    return ((message, text) for message in _messages(catalogue) for text in _forms(message.string))


def test_every_language_of_the_product_has_a_catalogue() -> None:
    assert {"en", *TRANSLATED} == {each.value for each in Language}
    assert {path.name for path in TRANSLATIONS.iterdir()} == set(TRANSLATED)
    assert f"\nLANGUAGES := {' '.join(TRANSLATED)}\n" in (ROOT / "Makefile").read_text()


def test_the_catalogue_holds_exactly_the_texts_of_the_sources(
    sources: Catalog, catalogue: Catalog
) -> None:
    assert set(_by_id(catalogue)) == set(_by_id(sources))
    assert not catalogue.obsolete


def test_every_text_has_a_translation_that_somebody_has_checked(catalogue: Catalog) -> None:
    missing = [message.id for message, text in _said(catalogue) if not text.strip()]
    guessed = [message.id for message in _messages(catalogue) if message.fuzzy]

    assert (missing, guessed) == ([], [])


def test_placeholders_are_the_same_in_every_language(catalogue: Catalog) -> None:
    for message in _messages(catalogue):
        for source, text in zip(_forms(message.id), _forms(message.string), strict=True):
            assert _placeholders(text) == _placeholders(source), message.id


def test_every_text_can_be_filled(catalogue: Catalog) -> None:
    for message, text in _said(catalogue):
        for form in [*_forms(message.id), text]:
            assert "%" not in PLACEHOLDER.sub("", form).replace("%%", ""), form


def test_markup_and_quoted_codes_are_left_as_they_are(catalogue: Catalog) -> None:
    for message, text in _said(catalogue):
        source = _forms(message.id)[0]
        assert sorted(MARKUP.findall(text)) == sorted(MARKUP.findall(source)), message.id


def test_the_compiled_catalogue_is_fresh(catalogue: Catalog) -> None:
    with _path(str(catalogue.locale)).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)

    assert _by_id(compiled) == _by_id(catalogue)


@pytest.mark.parametrize(
    ("language", "rule"), [("de", "(n != 1)"), ("fr", "(n > 1)"), ("es", "(n != 1)")]
)
def test_every_plural_has_the_forms_of_its_language(language: str, rule: str) -> None:
    catalogue = _read(language)

    assert (catalogue.num_plurals, catalogue.plural_expr) == (2, rule)
    for message in _messages(catalogue):
        if message.pluralizable:
            one, many = _forms(message.string)
            assert one != many, message.id


@pytest.mark.parametrize(
    ("language", "quantity", "detail"),
    [
        ("de", Decimal("1.000000"), "1 Nachricht"),
        ("de", Decimal("1.5"), "1,5 Nachrichten"),
        ("de", Decimal(2), "2 Nachrichten"),
        ("de", Decimal(0), "0 Nachrichten"),
        ("en", Decimal("1.000000"), "1 message"),
        ("en", Decimal(0), "0 messages"),
        ("fr", Decimal(0), "0 message"),
        ("fr", Decimal("1.5"), "1,5 message"),
        ("fr", Decimal(2), "2 messages"),
        ("fr", Decimal(1_000_000), "1\u202f000\u202f000 messages"),
        ("es", Decimal("1.000000"), "1 mensaje"),
        ("es", Decimal("1.5"), "1,5 mensajes"),
        ("es", Decimal(0), "0 mensajes"),
        ("es", Decimal(1_234), "1234 mensajes"),
    ],
)
def test_a_page_chooses_the_form_by_the_number(
    language: str, quantity: Decimal, detail: str
) -> None:
    page = Flask(__name__)
    Babel(
        page,
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=lambda: language,
    )

    with page.test_request_context():
        row = transaction_row(_messages_sent(quantity))

    assert row.detail == detail


def test_german_is_set_in_german(german: Catalog) -> None:
    for message, text in _said(german):
        assert not re.search(r"[\"'“](?=\w)|\.\.\.| - ", text), text
        assert text.count("„") == text.count("“"), text
        assert text == text.strip(), text
        source = _forms(message.id)[0]
        if source.endswith((".", "?", "!", "…")):
            assert text.endswith(source[-1]), message.id


def test_german_is_polite_and_uses_one_word_per_thing(german: Catalog) -> None:
    for message, text in _said(german):
        assert not FOREIGN & set(re.findall(r"[\w-]+", text)), text
        assert not INFORMAL.search(text), text
        if "Wiederverkäufer" in text:
            assert all(place.startswith(FOR_THE_PLATFORM) for place, _ in message.locations), text


@pytest.mark.parametrize("language", ["fr", "es"])
def test_french_and_spanish_are_set_as_their_readers_expect(language: str) -> None:
    for message, text in _said(_read(language)):
        assert not re.search(r"[\"„“”']|\.\.\.| - ", text), text
        assert text.count("«") == text.count("»"), text
        assert text == text.strip(), text
        source = _forms(message.id)[0]
        if source.endswith((".", "?", "!", "…")):
            assert text.endswith(source[-1]), message.id
        if language == "fr":
            apart = r"(?<!\u202f)[;?!]|(?<!\u00a0)(?<!Authorization): |«(?!\u00a0)|(?<!\u00a0)»"
            assert not re.search(apart, text), text
        else:
            assert not re.search(r"[?!]", text) or re.search(r"[¿¡]", text), text


@pytest.mark.parametrize("language", ["fr", "es"])
def test_french_and_spanish_are_polite_and_use_one_word_per_thing(language: str) -> None:
    informal, foreign = INFORMAL_BY_LANGUAGE[language], FOREIGN_BY_LANGUAGE[language]
    for message, text in _said(_read(language)):
        assert not informal.search(text), text
        assert not foreign & set(re.findall(r"[\w-]+", PLACEHOLDER.sub("", text))), text
        if re.search(r"revend(eur|edor)", text, re.IGNORECASE):
            assert all(place.startswith(FOR_THE_PLATFORM) for place, _ in message.locations), text


def test_sources_are_written_in_english(german: Catalog) -> None:
    for message in _messages(german):
        assert not re.search(r"[äöüÄÖÜß„]", "".join(_forms(message.id))), message.id


def test_every_refusal_can_be_translated(sources: Catalog) -> None:
    texts = {text for message in _messages(sources) for text in _forms(message.id)}

    assert [error.__name__ for error in _refusals() if error.text not in texts] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_says_nothing_without_the_catalogue(template: Path) -> None:
    shared = [(ROOT / "app/web/templates" / name).read_text() for name in SHARED]

    found = unmarked_texts(template.read_text(), signatures(*shared))

    assert [text for text in found if text not in SAME_EVERYWHERE] == []


def _messages_sent(quantity: Decimal) -> HistoryLine:
    return HistoryLine(
        id=uuid4(),
        kind="usage",
        amount=Money(-9, "EUR"),
        balance_after=Money(991, "EUR"),
        at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        meter="messages",
        quantity=quantity,
        counterparty=None,
    )


def _refusals() -> Iterator[type[AppError]]:
    """Return every refusal of the product; the command line speaks English only."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.startswith(("app.cli", "app.sandbox")):
            importlib.import_module(module.name)
    waiting = list(AppError.__subclasses__())
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.startswith("app.") and "text" in vars(error):
            yield error
