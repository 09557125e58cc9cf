"""`kontor demo`: two branded resellers and one below, with customers, history and live usage."""

from app.cli.demo.command import demo

__all__ = ["demo"]
