"""The brand editor: draft, preview, publish, history."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import branding, identity
from app.branding import BrandLook, Draft, PublishedVersion
from app.edge import (
    current_edge,
    current_ports,
    current_scope,
    current_site,
    signed_in_required,
)
from app.identity import Realm
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import submitted
from app.web.reseller.brand_choices import brand_choices, contrast_sentences, theme_options
from app.web.reseller.brand_form import read_look, uploaded_pictures
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_brand", __name__, url_prefix="/reseller/brand")
signed_in_required(bp, Realm.STAFF)

_VERSIONS = 12
_PUBLISH = "publish"
# Microseconds have sixteen digits, and PostgreSQL's numbers no more than eighteen.
_LONGEST_REVISION, _NO_REVISION = 19, -1


@bp.get("")
def editor() -> str:
    """Show the form with the draft, its preview, and what was published when by whom."""
    scope = current_scope()
    with transaction(scope) as session:
        published = branding.find_brand(session, scope)
        draft = branding.find_draft(session, scope)
        versions = branding.list_versions(session, scope, limit=_VERSIONS)
        acts: list[Draft | PublishedVersion] = [*versions, *([draft] if draft else [])]
        ids = {each.actor_id for each in acts if each.actor_id}
        names = identity.staff_names(session, scope, ids)
    look = _shown(published, draft)
    return render_template(
        "reseller/brand.html",
        look=look,
        draft=draft,
        versions=versions,
        by=partial(_author, names),
        choices=brand_choices(look),
        contrasts=contrast_sentences(look.tokens),
        theme_options=theme_options(look),
        # What was just uploaded stays, even where something else on the form was refused.
        kept_pictures=g.get("kept_pictures", {}),
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Save the draft, publish it, throw it away, or bring an earlier version back."""
    acts = {"brand": _save, "discard": _discard, "restore": _restore}
    return submitted(acts, page=editor, to=url_for("reseller_brand.editor"))


def current_look() -> BrandLook:
    """Return what the editor works on: the draft, else what is published."""
    scope = current_scope()
    with transaction(scope) as session:
        published = branding.find_brand(session, scope)
        return _shown(published, branding.find_draft(session, scope))


def _save(typed: Typed) -> str:
    _keep_uploads()
    look = read_look(request.form.to_dict() | g.kept_pictures, base=current_look())
    scope, seen = current_scope(), _seen(typed)
    with transaction(scope) as session:
        revision = branding.save_draft(session, scope, look=look, seen=seen, actor=acting())
        if typed.optional_text("then") != _PUBLISH:
            return _("The draft is saved. Visitors do not see it yet.")
        branding.publish_draft(session, scope, seen=revision, actor=acting())
    return _published()


def _seen(typed: Typed) -> int:
    """Return the revision that the page showed; what is none was never one."""
    revision = typed.optional_text("revision")
    is_one = revision.isascii() and revision.isdecimal() and len(revision) < _LONGEST_REVISION
    return int(revision) if is_one else _NO_REVISION


def _keep_uploads() -> None:
    """Keep the pictures of the form; their addresses take the place of those that it carries."""
    g.kept_pictures = {}
    made = uploaded_pictures()
    scope, now = current_scope(), current_ports().clock()
    for kind, pictures in made.items():
        with transaction(scope) as session:
            url = branding.keep_pictures(session, scope, made=pictures, now=now, actor=acting())
        g.kept_pictures[f"{kind.value}_url"] = url


def _discard(_typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        branding.discard_draft(session, scope, actor=acting())
    return _("The draft is gone. Your site stays as it is.")


def _restore(typed: Typed) -> str:
    scope, number = current_scope(), typed.whole("number")
    with transaction(scope) as session:
        branding.restore_version(session, scope, number=number, actor=acting())
    return _published()


def _published() -> str:
    """Tell every process; call it after the commit."""
    current_edge().brands.forget(current_scope().reseller_id)
    return _("Published. Your site wears the new brand from now on.")


def _shown(published: BrandLook | None, draft: Draft | None) -> BrandLook:
    if draft is not None:
        return draft.look
    return published or branding.plain_brand(current_site().name)


def _author(names: dict[UUID, str], of: Draft | PublishedVersion) -> str:
    if of.realm == Realm.STAFF.value and of.actor_id:
        return names.get(of.actor_id) or _("somebody who has left")
    return _("the operator")
