"""The shape of everything Stripe's API says: JSON objects."""

from typing import Any

# Stripe's objects are open records whose keys are part of its contract, so they stay JSON.
Json = dict[str, Any]
