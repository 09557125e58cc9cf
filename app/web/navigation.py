"""The ways from a portal's pages to its others; a portal of one page has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, request, url_for

from app.edge import current_site, signed_in
from app.identity import Realm
from app.web.platform.places import platform_places
from app.web.rights import may_open
from app.web.words import gettext as _

# Label, page, and which blueprints or single pages belong to it.
Place = tuple[str, str, frozenset[str]]


# Pages of people who are on their way in.
_WITHOUT = frozenset(
    {None, "sign_in", "platform_sign_in", "doors", "platform_doors", "registrations"}
)


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the main navigation."""

    label: str
    href: str
    active: bool


def register(app: Flask) -> None:
    """Give every page of the portals its navigation."""
    app.context_processor(lambda: {"site_nav": _items()})


def _items() -> list[NavigationItem]:
    holder = signed_in()
    if holder is None or request.blueprint in _WITHOUT:
        return []
    if current_site().is_closed:
        # Its staff reads why; nothing else is open to them.
        return []
    here = {request.blueprint, request.endpoint}
    return [
        NavigationItem(label, url_for(endpoint), not active.isdisjoint(here))
        for label, endpoint, active in _places(holder.realm)
        if holder.realm is not Realm.STAFF or may_open(endpoint)
    ]


def _places(realm: Realm) -> Sequence[Place]:
    if realm is Realm.CUSTOMER:
        return (
            _place(_("Overview"), "customer.dashboard", "customer.dashboard"),
            _place(
                _("Transactions"), "customer.transactions", "customer.transactions",
                "customer_charges",
            ),
            _place(_("Billing"), "top_ups.history", "top_ups"),
            _place(
                _("Settings"), "customer_settings.settings", "customer_settings",
                "customer_account",
                "customer_notifications",
            ),
        )  # fmt: skip
    if realm is Realm.STAFF:
        return (
            _place(_("Overview"), "reseller.dashboard", "reseller"),
            _place(
                _("Customers"), "reseller_customers.customers", "reseller_customers",
                "reseller_charges", "acting",
            ),
            _place(_("Prices"), "reseller_prices.prices", "reseller_prices"),
            _place(_("Commission"), "reseller_commissions.month", "reseller_commissions"),
            _place(_("Partners"), "sub_resellers.tree", "sub_resellers"),
            _place(_("Balance"), "own_balance.balance", "own_balance"),
            _place(_("Brand"), "reseller_brand.editor", "reseller_brand"),
            _place(
                _("E-mails"), "reseller_messages.messages", "reseller_messages", "reseller_mail",
                "reseller_notifications",
            ),
            _place(_("Team"), "reseller_team.team", "reseller_team"),
            _place(_("API keys"), "reseller_keys.keys", "reseller_keys"),
        )  # fmt: skip
    return [_place(*place) for place in platform_places()]


def _place(label: str, endpoint: str, *active: str) -> Place:
    return label, endpoint, frozenset(active)
