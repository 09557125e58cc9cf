"""What the platform told one reseller is no other's to read (requirement A5): each wall alone."""

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import ProgrammingError

from app import onboarding, tenancy
from app.kernel import SignIn, now, transaction
from app.onboarding import ResellerQuestion
from app.tenancy import PlatformScope, StateChange, Tenant, TenantScope
from tests.conftest import Database
from tests.factories.sign_ups import a_trial

_PLATFORM = PlatformScope()


@pytest.fixture(scope="module")
def two(connected: Database) -> tuple[Tenant, Tenant]:
    """Two resellers on trial; the second was asked something."""
    (mine, _), (theirs, _) = a_trial(), a_trial()
    with transaction(_PLATFORM) as session:
        onboarding.ask_back(
            session, _PLATFORM, reseller_id=theirs.id, question="Wer sind Sie?", now=now()
        )
    return mine, theirs


def test_without_the_second_wall_the_first_alone_keeps_them_apart(
    two: tuple[Tenant, Tenant],
) -> None:
    scope = TenantScope(two[0].id, SignIn.PLATFORM)

    with transaction(scope) as session:
        changes = tenancy.state_changes(session, scope)
        questions = onboarding.list_questions(session, scope)
        everything = session.scalar(select(func.count()).select_from(ResellerQuestion))

    assert {each.reseller_id for each in changes} == {two[0].id}
    assert (questions, bool(everything)) == ([], True)


def test_without_the_first_wall_the_second_alone_keeps_them_apart(
    two: tuple[Tenant, Tenant],
) -> None:
    with transaction(TenantScope(two[0].id)) as session:
        changes = set(session.scalars(select(StateChange.reseller_id)))
        questions = session.scalars(select(ResellerQuestion)).all()

    assert (changes, questions) == ({two[0].id}, [])


def test_a_site_cannot_read_who_applied(two: tuple[Tenant, Tenant]) -> None:
    query = select(func.count()).select_from(onboarding.ResellerApplication)

    with (
        pytest.raises(ProgrammingError, match="reseller_applications"),
        transaction(TenantScope(two[0].id)) as session,
    ):
        session.scalar(query)


def test_a_site_cannot_ask_or_decide_for_the_platform(two: tuple[Tenant, Tenant]) -> None:
    mine = TenantScope(two[0].id)

    change = insert(StateChange).values(
        reseller_id=two[0].id,
        id=two[0].id,
        cause="approved",
        before="trial",
        after="active",
        note="",
        at=now(),
    )

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction(mine) as session,
    ):
        session.execute(change)

    with transaction(mine) as session:
        assert len(tenancy.state_changes(session, mine)) == 1
