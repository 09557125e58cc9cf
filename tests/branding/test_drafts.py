from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app import branding
from app.audit import SYSTEM, Actor
from app.branding import (
    BrandLook,
    BrandRefusedError,
    BrandTokens,
    BrandVersionNotFoundError,
    Draft,
    DraftChangedError,
    NoDraftError,
    PictureKind,
    PublishedVersion,
    TooManyPicturesError,
    make_pictures,
)
from app.branding.assets import MOST_UNUSED
from app.identity import OwnerNeededError
from app.kernel import SignIn, now, transaction
from app.tenancy import Tenant, TenantScope
from tests.branding.drawings import a_picture
from tests.conftest import Database
from tests.factories import a_reseller, a_staff_user, scope_of
from tests.factories.races import all_at_once, refusals

pytestmark = pytest.mark.usefixtures("connected")

BLUE = BrandLook(name="Blau", tokens=BrandTokens("#1040a0"))
GREEN = replace(BLUE, name="Grün", greeting="Hallo!", terms_text="# AGB\nEins")


def owner_of(reseller: Tenant) -> Actor:
    return Actor("staff", a_staff_user(reseller).id)


def saved(reseller: Tenant, look: BrandLook, *, seen: int | None = None) -> int:
    with transaction(scope_of(reseller)) as session:
        return branding.save_draft(session, scope_of(reseller), look=look, seen=seen, actor=SYSTEM)


def published(reseller: Tenant, look: BrandLook) -> int:
    saved(reseller, look)
    with transaction(scope_of(reseller)) as session:
        return branding.publish_draft(session, scope_of(reseller), actor=SYSTEM)


def published_from(reseller: Tenant, look: BrandLook) -> int:
    """The revision of a draft that was published: it is gone."""
    revision = saved(reseller, look)
    with transaction(scope_of(reseller)) as session:
        branding.publish_draft(session, scope_of(reseller), actor=SYSTEM)
    return revision


def brand_of(reseller: Tenant) -> BrandLook | None:
    with transaction(scope_of(reseller)) as session:
        return branding.find_brand(session, scope_of(reseller))


def draft_of(reseller: Tenant) -> Draft | None:
    with transaction(scope_of(reseller)) as session:
        return branding.find_draft(session, scope_of(reseller))


def history_of(reseller: Tenant) -> list[PublishedVersion]:
    with transaction(scope_of(reseller)) as session:
        return list(branding.list_versions(session, scope_of(reseller)))


def upload(reseller: Tenant, content: bytes, kind: PictureKind = PictureKind.LOGO) -> str:
    made = make_pictures(kind, content)
    with transaction(scope_of(reseller)) as session:
        return branding.keep_pictures(
            session, scope_of(reseller), made=made, now=now(), actor=SYSTEM
        )


def test_a_draft_is_seen_by_nobody_until_it_is_published() -> None:
    reseller = a_reseller()
    published(reseller, BLUE)

    saved(reseller, GREEN)
    before = brand_of(reseller)
    with transaction(scope_of(reseller)) as session:
        number = branding.publish_draft(session, scope_of(reseller), actor=SYSTEM)

    assert (before, number) == (BLUE, 2)
    assert brand_of(reseller) == GREEN
    assert draft_of(reseller) is None


def test_the_history_says_who_published_what_and_what_was_brought_back() -> None:
    reseller = a_reseller()
    owner, scope = owner_of(reseller), scope_of(reseller)
    published(reseller, BLUE)
    with transaction(scope) as session:
        branding.save_draft(session, scope, look=GREEN, actor=owner)
        branding.publish_draft(session, scope, actor=owner)

    with transaction(scope) as session:
        branding.restore_version(session, scope, number=1, actor=owner)

    lines = [(each.number, each.look, each.realm, each.restores) for each in history_of(reseller)]
    assert lines == [
        (3, BLUE, "staff", 1),
        (2, GREEN, "staff", None),
        (1, BLUE, "system", None),
    ]
    assert history_of(reseller)[0].actor_id == owner.id
    assert brand_of(reseller) == BLUE


def test_a_draft_survives_that_an_earlier_version_is_published_again() -> None:
    reseller = a_reseller()
    published(reseller, BLUE)
    saved(reseller, GREEN)

    with transaction(scope_of(reseller)) as session:
        branding.restore_version(session, scope_of(reseller), number=1, actor=SYSTEM)

    assert (draft := draft_of(reseller)) is not None
    assert draft.look == GREEN


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unseen() -> None:
    reseller = a_reseller()
    seen = saved(reseller, BLUE, seen=0)
    saved(reseller, GREEN, seen=seen)

    with pytest.raises(DraftChangedError):
        saved(reseller, BLUE, seen=seen)
    with pytest.raises(DraftChangedError), transaction(scope_of(reseller)) as session:
        branding.publish_draft(session, scope_of(reseller), seen=seen, actor=SYSTEM)

    assert (draft := draft_of(reseller)) is not None
    assert (draft.look, draft.revision) == (GREEN, seen + 1)
    assert brand_of(reseller) is None


def test_of_two_who_begin_a_draft_at_once_one_is_told() -> None:
    reseller = a_reseller()

    made = all_at_once([partial(saved, reseller, look, seen=0) for look in (BLUE, GREEN)] * 3)

    assert refusals(made) == [DraftChangedError] * 5


def test_a_draft_that_is_gone_is_not_mistaken_for_a_later_one() -> None:
    reseller = a_reseller()
    seen = published_from(reseller, BLUE)
    saved(reseller, GREEN)

    with pytest.raises(DraftChangedError):
        saved(reseller, BLUE, seen=seen)

    assert (draft := draft_of(reseller)) is not None
    assert draft.look == GREEN


def test_who_began_before_somebody_else_published_is_told() -> None:
    reseller = a_reseller()
    first = published(reseller, BLUE)
    published(reseller, GREEN)

    with pytest.raises(DraftChangedError):
        saved(reseller, replace(BLUE, name="Blauer"), seen=first)
    revision = saved(reseller, BLUE, seen=first + 1)

    assert (draft := draft_of(reseller)) is not None
    assert draft.revision == revision


def test_a_draft_that_is_discarded_leaves_the_brand_alone() -> None:
    reseller = a_reseller()
    published(reseller, BLUE)
    saved(reseller, GREEN)

    with transaction(scope_of(reseller)) as session:
        branding.discard_draft(session, scope_of(reseller), actor=SYSTEM)

    assert (draft_of(reseller), brand_of(reseller)) == (None, BLUE)


def test_where_there_is_no_draft_nothing_is_published_or_discarded() -> None:
    reseller = a_reseller()

    for act in (branding.publish_draft, branding.discard_draft):
        with pytest.raises(NoDraftError), transaction(scope_of(reseller)) as session:
            act(session, scope_of(reseller), actor=SYSTEM)

    assert (brand_of(reseller), history_of(reseller)) == (None, [])


def test_a_version_of_another_reseller_is_not_there() -> None:
    mine, other = a_reseller(), a_reseller()
    published(other, BLUE)

    with pytest.raises(BrandVersionNotFoundError), transaction(scope_of(mine)) as session:
        branding.restore_version(session, scope_of(mine), number=1, actor=SYSTEM)

    assert brand_of(mine) is None


@pytest.mark.parametrize("stranger", ["customer", "staff", "api"])
def test_nobody_but_an_owner_changes_a_brand(stranger: str) -> None:
    reseller, other = a_reseller(), a_reseller()
    published(reseller, BLUE)
    kept = saved(reseller, GREEN)
    elsewhere = owner_of(other).id if stranger == "staff" else uuid4()
    actor, scope = Actor(stranger, elsewhere), scope_of(reseller)
    made = make_pictures(PictureKind.LOGO, a_picture(90, 90))
    acts: list[Callable[[Session], object]] = [
        lambda s: branding.save_draft(s, scope, look=BLUE, actor=actor),
        lambda s: branding.publish_draft(s, scope, actor=actor),
        lambda s: branding.discard_draft(s, scope, actor=actor),
        lambda s: branding.restore_version(s, scope, number=1, actor=actor),
        lambda s: branding.keep_pictures(s, scope, made=made, now=now(), actor=actor),
    ]

    for act in acts:
        with pytest.raises(OwnerNeededError), transaction(scope) as session:
            act(session)

    assert (draft := draft_of(reseller)) is not None
    assert (draft.look, draft.revision, len(history_of(reseller))) == (GREEN, kept, 1)


def test_a_picture_that_is_another_resellers_or_nobodys_is_refused() -> None:
    mine, other = a_reseller(), a_reseller()
    theirs = upload(other, a_picture(90, 90))

    for url in (theirs, f"/brand/{'0' * 32}/logo.webp", "/brand/x/logo.webp"):
        with pytest.raises(BrandRefusedError) as refused:
            saved(mine, replace(BLUE, logo_url=url))
        assert refused.value.facts["field"] == "logo_url"

    assert draft_of(mine) is None


def test_r21_a_picture_belongs_to_its_tenant_and_row_level_security_agrees(
    database: Database,
) -> None:
    mine, other = a_reseller(), a_reseller()
    hash_ = upload(mine, a_picture(91, 91)).split("/")[2]

    with transaction(scope_of(other)) as session:
        by_query = branding.find_asset(session, scope_of(mine), hash_=hash_, name="logo.webp")
        walled = session.execute(text("SELECT count(*) FROM brand_assets")).scalar()
    with transaction(scope_of(mine)) as session:
        own = branding.find_asset(session, scope_of(mine), hash_=hash_, name="logo.webp")

    assert (by_query, walled) == (None, 0)
    assert own is not None
    assert own.media_type == "image/webp"


def test_the_same_picture_is_kept_once_and_what_nothing_names_is_forgotten_after_a_day(
    database: Database,
) -> None:
    reseller = a_reseller()
    used = upload(reseller, a_picture(100, 50))
    assert used == upload(reseller, a_picture(100, 50))
    unused = upload(reseller, a_picture(101, 50))
    published(reseller, replace(BLUE, logo_url=used))
    published(reseller, GREEN)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE brand_assets SET created_at = now() - interval '2 days' WHERE reseller_id = %s",
            (reseller.id,),
        )

    upload(reseller, a_picture(102, 50))

    def is_there(url: str) -> bool:
        _, _, hash_, name = url.split("/")
        with transaction(scope_of(reseller)) as session:
            scope = scope_of(reseller)
            return branding.find_asset(session, scope, hash_=hash_, name=name) is not None

    # The first version still names it: it can be brought back with its picture.
    assert (is_there(used), is_there(unused)) == (True, False)


def test_pictures_that_nothing_names_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    reseller = a_reseller()
    monkeypatch.setattr("app.branding.assets.MOST_UNUSED", 3)
    assert MOST_UNUSED > 3
    for width in range(3):
        upload(reseller, a_picture(60 + width, 40))

    with pytest.raises(TooManyPicturesError):
        upload(reseller, a_picture(80, 40))


def test_a_brand_is_inherited_with_its_pictures_but_not_with_its_names() -> None:
    above, below = a_reseller(), a_reseller()
    logo = upload(above, a_picture(93, 93))
    look = replace(GREEN, logo_url=logo, sender_name="Blau Service", statement_suffix="BLAU")
    scopes = [TenantScope(each.id, SignIn.PLATFORM) for each in (above, below)]

    with transaction(scopes[0]) as session:
        branding.inherit_brand(session, scopes[0], scopes[1], look=look, name="Unten")

    _, _, hash_, name = logo.split("/")
    with transaction(scope_of(below)) as session:
        assert branding.find_asset(session, scope_of(below), hash_=hash_, name=name)
    assert (found := brand_of(below)) is not None
    assert (found.name, found.logo_url, found.terms_text) == ("Unten", logo, GREEN.terms_text)
    assert (found.greeting, found.sender_name, found.statement_suffix) == ("", "", "")


def test_a_published_version_can_never_be_changed() -> None:
    reseller = a_reseller()
    published(reseller, BLUE)

    for statement in ("UPDATE brand_versions SET look = '{}'", "DELETE FROM brand_versions"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction(scope_of(reseller)) as session,
        ):
            session.execute(text(statement))

    assert history_of(reseller)[0].look == BLUE


def test_every_step_that_visitors_see_is_audited(database: Database) -> None:
    reseller = a_reseller()
    owner = owner_of(reseller)
    scope = scope_of(reseller)
    with transaction(scope) as session:
        branding.save_draft(session, scope, look=BLUE, actor=owner)
        branding.publish_draft(session, scope, actor=owner)
    with transaction(scope) as session:
        branding.restore_version(session, scope, number=1, actor=owner)

    with psycopg.connect(database.owner_url) as connection:
        rows = connection.execute(
            "SELECT actor_id, facts FROM audit_records WHERE reseller_id = %s"
            " AND action = 'branding.brand_saved' ORDER BY at",
            (reseller.id,),
        ).fetchall()
    assert rows == [
        (owner.id, {"version": 1, "restores": None}),
        (owner.id, {"version": 2, "restores": 1}),
    ]
