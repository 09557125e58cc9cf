"""A stateful stand-in for Stripe: its HTTP API, hosted Checkout page and signed webhooks.

The official `stripe` library talks to it by `api_base` alone. See `docs/sandbox.md`.
"""

from app.sandbox.running import RunningSandbox, start_sandbox

__all__ = ["RunningSandbox", "start_sandbox"]
