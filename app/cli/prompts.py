import sys

import click


def ask_password() -> str:
    """Return a new password, typed twice; never an argument: those stand in `ps` and histories.

    Without a terminal it is one line of the standard input.
    """
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
