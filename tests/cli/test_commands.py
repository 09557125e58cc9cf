from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from app import identity
from app.cli import main
from app.cli.commands import Kontor
from tests.cli.conftest import Operator
from tests.factories import a_reseller


def _commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(_commands(main))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])

    assert result.exit_code == 0
    assert f"Usage: main {' '.join(path)}" in result.output
    assert "kontor " in result.output.split("Example", 1)[1]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_command_takes_a_password_as_an_argument(path: tuple[str, ...]) -> None:
    names = [option for each in COMMANDS[path].params for option in each.opts]

    assert not [name for name in names if "password" in name]


def test_the_commands_are_those_that_were_promised() -> None:
    names = set(main.commands)

    assert names >= {
        "demo", "up", "web", "worker", "db", "admin", "reseller", "customer", "usage", "ledger",
        "health",
    }  # fmt: skip


def test_a_refusal_is_one_line_with_its_code_and_status_two(operator: Operator) -> None:
    result = operator.runs("customer", "list", "--reseller", "nobody-at-all")

    assert result.exit_code == 2
    assert result.output.strip() == "Error: There is no such reseller. [tenancy.not_found]"


def test_a_refusal_fills_in_its_facts(operator: Operator) -> None:
    reseller = a_reseller()

    result = operator.runs(
        "reseller", "staff-add", reseller.slug, "a@example.com", "--name", "A", types="short\n"
    )

    assert result.exit_code == 2
    assert "10 to 256 characters. [identity.weak_password]" in result.output


def test_a_bug_keeps_its_traceback() -> None:
    @click.group(cls=Kontor)
    def group() -> None:
        """Hold a command."""

    @group.command()
    def broken() -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(group, ["broken"])

    assert isinstance(result.exception, ZeroDivisionError)


def test_a_database_that_does_not_answer_is_said_without_a_traceback(operator: Operator) -> None:
    nowhere = "postgresql://kontor_platform:x@127.0.0.1:1/kontor"

    result = operator.runs("reseller", "list", DATABASE_PLATFORM_URL=nowhere)

    assert result.exit_code == 2
    assert "The database does not answer" in result.output


def test_a_missing_address_says_which(operator: Operator) -> None:
    result = operator.runs("reseller", "list", DATABASE_URL=None)

    assert result.exit_code == 2
    assert "DATABASE_URL" in result.output


def test_a_weak_secret_is_refused_in_production_and_not_shown(operator: Operator) -> None:
    result = operator.runs("reseller", "list", KONTOR_MODE="production", SECRET_KEY="hunter2")

    assert result.exit_code == 2
    assert "SECRET_KEY must have at least" in result.output
    assert "hunter2" not in result.output


def test_the_key_of_a_reseller_is_printed_once_and_works(operator: Operator) -> None:
    reseller = a_reseller()

    result = operator.runs("reseller", "api-key-add", reseller.slug, "--name", "Telephone system")

    assert result.exit_code == 0
    assert result.output.startswith(identity.api_keys.SECRET_START)
