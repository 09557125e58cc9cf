"""Pages for people: sign-in, the three portals, the brand, and what probes ask for."""

from app.web.registration import PAGES, register

__all__ = ["PAGES", "register"]
