"""Pages for people: sign-in, the three portals, the brand, and what probes ask for."""

from app.web.catalogues import words_of
from app.web.registration import PAGES, register

__all__ = ["PAGES", "register", "words_of"]
