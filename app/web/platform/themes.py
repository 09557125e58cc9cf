"""The installed themes: who wears them, what they offer, what is wrong with them."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.branding import theme_counts
from app.edge import current_edge, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PlatformScope

bp = Blueprint("platform_themes", __name__, url_prefix="/admin/themes")
signed_in_required(bp, Realm.PLATFORM)


@bp.get("")
def themes() -> str:
    """List every installed theme, the broken ones first; one query."""
    scope = PlatformScope()
    with transaction(scope) as session:
        counts = theme_counts(session, scope)
    reports = sorted(current_edge().themes.reports, key=lambda each: not each.is_broken)
    lost = counts.keys() - {report.name for report in reports}
    return render_template(
        "platform/themes.html",
        reports=reports,
        counts=counts,
        lost={name: counts[name] for name in sorted(lost)},
    )
