"""The ways from a portal's pages to its others; a portal of one page has none."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, request, url_for
from flask_babel import gettext as _

from app.edge import signed_in


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the main navigation."""

    label: str
    href: str
    active: bool


def register(app: Flask) -> None:
    """Give every page of the customer's portal its navigation."""
    app.context_processor(lambda: {"site_nav": _items()})


def _items() -> list[NavigationItem]:
    blueprint = request.blueprint
    if blueprint not in {"customer", "top_ups"} or signed_in() is None:
        return []
    places = (
        (_("Overview"), "customer.dashboard", {"customer.dashboard"}),
        (_("Transactions"), "customer.transactions", {"customer.transactions"}),
        (_("Billing"), "top_ups.history", {f"top_ups.{name}" for name in _BILLING}),
    )
    return [
        NavigationItem(label, url_for(endpoint), request.endpoint in active)
        for label, endpoint, active in places
    ]


_BILLING = ("history", "choose", "create", "result")
