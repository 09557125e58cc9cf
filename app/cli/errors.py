"""What an operator is told when a command is refused; all of these exit with 2."""

import click

from app.kernel import AppError


class CommandRefusedError(click.ClickException):
    """A command cannot be done; the text says what to do about it."""

    exit_code = 2


class PortInUseError(CommandRefusedError):
    """Another program listens where the site should."""


class AlreadyRunningError(CommandRefusedError):
    """The data directory is in use by another `kontor demo` or `kontor up`."""


class ChildDiedError(CommandRefusedError):
    """A process that we started ended by itself; its last lines are in the text."""


class NotReadyError(CommandRefusedError):
    """A process that we started does not get ready."""


class SettingMissingError(CommandRefusedError):
    """A command needs a setting that nobody made."""


class SettingsRefusedError(CommandRefusedError):
    """Settings are missing, weak or malformed."""


def said_to_operators(refused: AppError) -> CommandRefusedError:
    """Return a refusal of a use case as a command says it: text and code."""
    return CommandRefusedError(f"{said_in_words(refused)} [{refused.code}]")


def said_in_words(refused: AppError) -> str:
    """Return the text of a refusal in English, filled in."""
    try:
        return refused.text % refused.facts
    except (KeyError, TypeError, ValueError):
        return refused.text
