"""The web app and an admin of the platform for the tests of this folder."""

import pytest
from flask import Flask

from tests.apps import Browser, app, make_app
from tests.web.portals import an_admin

__all__ = ["admin", "app", "make_app"]


@pytest.fixture
def admin(app: Flask) -> Browser:
    """An admin of the platform, signed in."""
    return an_admin(app)
