"""The web app for the tests of this folder."""

from tests.apps import app, make_app

__all__ = ["app", "make_app"]
