"""Builders through the product's own use cases: a test starts where the product can be.

Each opens and commits transactions of its own (fixture `connected` first) and returns rows that
live on without a session.
"""

from tests.factories.names import unique
from tests.factories.people import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform_key,
    a_platform_user,
    a_staff_user,
    an_api_key,
)
from tests.factories.second_factors import BOX, AuthenticatorApp, a_second_factor
from tests.factories.tenants import a_custom_host, a_platform, a_reseller, scope_of

__all__ = [
    "BOX",
    "PASSWORD",
    "AuthenticatorApp",
    "a_custom_host",
    "a_customer",
    "a_customer_user",
    "a_platform",
    "a_platform_key",
    "a_platform_user",
    "a_reseller",
    "a_second_factor",
    "a_staff_user",
    "an_api_key",
    "scope_of",
    "unique",
]
