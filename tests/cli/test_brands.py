"""The brand of a reseller at the command line."""

from pathlib import Path

import pytest

from app.branding import find_brand, find_draft
from app.kernel import transaction
from tests.branding.drawings import a_picture
from tests.cli.conftest import Operator
from tests.factories import a_reseller, scope_of


def test_a_brand_is_set_as_a_draft_published_and_taken_back(
    operator: Operator, tmp_path: Path
) -> None:
    reseller = a_reseller()
    logo, imprint = tmp_path / "logo", tmp_path / "imprint.txt"
    logo.write_bytes(a_picture(300, 60))
    imprint.write_bytes("# Impressum\r\nEins\u00a0Zwei".encode())
    runs, scope = operator.runs, scope_of(reseller)

    first = runs(
        "brand", "set", reseller.slug, "--name", "Blau", "--accent", "#1040a0",
        "--logo", str(logo), "--imprint-text", str(imprint),
    )  # fmt: skip
    with transaction(scope) as session:
        before = find_brand(session, scope)
    published = runs("brand", "publish", reseller.slug)
    runs("brand", "set", reseller.slug, "--name", "Rot", "--accent", "#a01010")
    runs("brand", "publish", reseller.slug)
    undone = runs("brand", "publish", reseller.slug, "--version", "1")
    history = runs("brand", "history", reseller.slug)

    with transaction(scope) as session:
        look = find_brand(session, scope)
    assert (first.exit_code, before, published.output) == (0, None, "Version 1 is published.\n")
    assert undone.output == "Version 3 is published.\n"
    assert look is not None
    assert (look.name, look.tokens.accent) == ("Blau", "#1040a0")
    assert look.logo_url.endswith("/logo.webp")
    assert look.imprint_text == "# Impressum\nEins Zwei"
    lines = [line.split() for line in history.output.splitlines() if " UTC " in line]
    assert [(line[0], line[-1]) for line in lines] == [
        ("3", "1"),
        ("2", "#a01010"),
        ("1", "#1040a0"),
    ]


def test_what_cannot_be_read_is_said_and_the_draft_is_shown_apart(operator: Operator) -> None:
    reseller = a_reseller()
    operator.runs("brand", "set", reseller.slug, "--accent", "#ffd400", "--surface", "#ffffff")

    published = operator.runs("brand", "show", reseller.slug)
    draft = operator.runs("brand", "show", reseller.slug, "--draft")

    assert published.output == "Nothing is published yet.\n"
    assert "accent: #ffd400 cannot be read in light mode" in draft.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "--accent", "pink"), "branding.colour_refused"),
        (("set", "--terms-url", "javascript:alert(1)"), "branding.link_refused"),
        (("publish",), "branding.no_draft"),
        (("publish", "--version", "9"), "branding.version_not_found"),
        (("discard",), "branding.no_draft"),
    ],
)
def test_a_refusal_is_one_line_with_its_code_and_changes_nothing(
    operator: Operator, arguments: tuple[str, ...], code: str
) -> None:
    reseller = a_reseller()
    scope = scope_of(reseller)

    refused = operator.runs("brand", arguments[0], reseller.slug, *arguments[1:])

    assert refused.exit_code == 2
    assert f"[{code}]" in refused.output
    with transaction(scope) as session:
        assert (find_brand(session, scope), find_draft(session, scope)) == (None, None)


def test_a_file_that_is_no_picture_is_refused(operator: Operator, tmp_path: Path) -> None:
    reseller, file = a_reseller(), tmp_path / "logo.png"
    file.write_bytes(b"MZ\x90")

    refused = operator.runs("brand", "set", reseller.slug, "--logo", str(file))

    assert (refused.exit_code, "[branding.picture_refused]" in refused.output) == (2, True)
