"""The web app for the tests of this folder."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import event

from tests.apps import app, make_app

__all__ = ["app", "make_app"]


@pytest.fixture
def connections(app: Flask) -> Callable[[], int]:
    """How often the app has taken a connection to the database since the test began."""
    taken = [0]

    def count(*_: object) -> None:
        taken[0] += 1

    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            event.listen(engine, "checkout", count)
    return lambda: taken[0]
