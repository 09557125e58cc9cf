"""Which right of its staff each page and act of a reseller's portal needs: one table.

What stands in no table is an owner's alone, and a test says so: a new page is given its line here.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, request

from app.edge import realm_of_path, signed_in
from app.identity import Realm, SignedIn, StaffRight, StaffRightMissingError, staff_may

# Everybody who works there, and whoever is on the way in.
FREE = frozenset(
    {
        "sign_in.staff_form", "sign_in.staff_sign_in", "sign_in.staff_sign_out",
        "doors.staff_forgot", "doors.staff_forgot_sent",
        "doors.staff_reset", "doors.staff_reset_sent",
        "doors.staff_invitation", "doors.staff_invitation_sent",
        "second_step.staff_code", "second_step.staff_answer",
        "staff_account.account", "staff_account.change",
        "reseller_notifications.notifications", "reseller_notifications.change",
        "staff_languages.language", "staff_languages.choose",
        "standing.standing", "sign_up.from_mail",
    }
)  # fmt: skip

NEEDED: Mapping[str, StaffRight] = {
    "reseller.dashboard": StaffRight.SEE_CUSTOMERS,
    "reseller_customers.customers": StaffRight.SEE_CUSTOMERS,
    "reseller_customers.customer": StaffRight.SEE_CUSTOMERS,
    "reseller_charges.charge": StaffRight.SEE_CUSTOMERS,
    "reseller_charges.change": StaffRight.MOVE_MONEY,
    "reseller_prices.prices": StaffRight.SEE_CUSTOMERS,
    "reseller_prices.change": StaffRight.SET_PRICES,
    "reseller_commissions.month": StaffRight.SEE_EARNINGS,
    "sub_resellers.tree": StaffRight.SEE_EARNINGS,
    "sub_resellers.change": StaffRight.OPEN_PARTNERS,
    "own_balance.balance": StaffRight.SEE_EARNINGS,
    "own_balance.change": StaffRight.MOVE_MONEY,
    "own_balance.paid": StaffRight.MOVE_MONEY,
    "reseller_team.team": StaffRight.MANAGE_TEAM,
    "reseller_team.change": StaffRight.MANAGE_TEAM,
    "reseller_keys.keys": StaffRight.MANAGE_API_KEYS,
    "reseller_keys.change": StaffRight.MANAGE_API_KEYS,
    "acting.ask": StaffRight.CHANGE_CUSTOMERS,
    "acting.begin": StaffRight.CHANGE_CUSTOMERS,
    "reseller_messages.messages": StaffRight.CHANGE_CUSTOMERS,
    "reseller_messages.change": StaffRight.CHANGE_CUSTOMERS,
    "reseller_messages.preview": StaffRight.MANAGE_BRAND,
    "reseller_mail.mail": StaffRight.MANAGE_BRAND,
    "reseller_mail.change": StaffRight.MANAGE_BRAND,
    "reseller_brand.editor": StaffRight.MANAGE_BRAND,
    "reseller_brand.change": StaffRight.MANAGE_BRAND,
    "reseller_brand_preview.portal": StaffRight.MANAGE_BRAND,
    "reseller_brand_preview.login": StaffRight.MANAGE_BRAND,
    "reseller_brand_preview.email": StaffRight.MANAGE_BRAND,
    "reseller_brand_preview.contrast": StaffRight.MANAGE_BRAND,
    "standing.answer": StaffRight.MANAGE_TEAM,
}

# Pages with forms that need different rights: by the name of the form.
FORMS: Mapping[str, Mapping[str, StaffRight]] = {
    "reseller_customers.add": {
        "customer": StaffRight.CHANGE_CUSTOMERS,
        "registration": StaffRight.MANAGE_TEAM,
    },
    "reseller_customers.change": {
        "block": StaffRight.CHANGE_CUSTOMERS,
        "unblock": StaffRight.CHANGE_CUSTOMERS,
        "cap": StaffRight.CHANGE_CUSTOMERS,
        "subject": StaffRight.CHANGE_CUSTOMERS,
        "release": StaffRight.CHANGE_CUSTOMERS,
        "user": StaffRight.CHANGE_CUSTOMERS,
        "user_resend": StaffRight.CHANGE_CUSTOMERS,
        "user_remove": StaffRight.CHANGE_CUSTOMERS,
        "user_role": StaffRight.CHANGE_CUSTOMERS,
        "credit": StaffRight.MOVE_MONEY,
        "grace": StaffRight.MOVE_MONEY,
        "mode": StaffRight.MOVE_MONEY,
        "contract": StaffRight.MOVE_MONEY,
        "contract_end": StaffRight.MOVE_MONEY,
    },
}


def register(app: Flask) -> None:
    """Refuse what a role does not include, before a page is asked; tell templates what it does."""
    app.before_request(_require_right)
    app.context_processor(lambda: {"may": may})


def may(right: str) -> bool:
    """Return whether the signed-in member of the staff has a right; others have none."""
    holder = signed_in()
    return _is_staff(holder) and staff_may(holder.role if holder else None, StaffRight(right))


def may_open(endpoint: str) -> bool:
    """Return whether the signed-in member of the staff may see a page; others may not."""
    right = NEEDED.get(endpoint, StaffRight.MANAGE_TEAM)
    return endpoint in FREE or may(right.value)


def _require_right() -> None:
    endpoint = request.endpoint
    if endpoint is None or realm_of_path(request.path) is not Realm.STAFF or endpoint in FREE:
        return
    # A stranger is turned away by the page itself.
    if not _is_staff(signed_in()):
        return
    forms = FORMS.get(endpoint)
    # Owners have every right, and nobody else has this one.
    right = NEEDED.get(endpoint, StaffRight.MANAGE_TEAM)
    if forms is not None:
        right = forms.get(request.form.get("form", ""), StaffRight.MANAGE_TEAM)
    if not may(right.value):
        raise StaffRightMissingError(right=right.value)


def _is_staff(holder: SignedIn | None) -> bool:
    return holder is not None and holder.realm is Realm.STAFF
