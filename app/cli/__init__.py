"""Every command of an operator: `kontor …`."""

from app.cli.commands import main

__all__ = ["main"]
