"""The web app, a reseller that sells, and somebody of her staff for the tests of this folder."""

import pytest
from flask import Flask

from app.tenancy import Tenant
from tests.apps import Browser, app, make_app
from tests.factories.money import a_priced_reseller
from tests.web.portals import staff_of

__all__ = ["app", "make_app", "reseller", "staff"]


@pytest.fixture
def reseller(connected: object) -> Tenant:
    """A reseller that sells call minutes for a cent and gets a quarter of the net price."""
    return a_priced_reseller()


@pytest.fixture
def staff(app: Flask, reseller: Tenant) -> Browser:
    """An owner among the reseller's staff, signed in."""
    return staff_of(app, reseller)
