"""When keys were used: noted beside the request, written at most once a minute."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.edge.key_uses import KeyUses
from app.identity import list_api_keys, list_platform_api_keys
from app.kernel import SignIn, connect, db, driver_url, make_engine, transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import a_platform_key, a_reseller, an_api_key, scope_of
from tests.web.portals import queries

pytestmark = pytest.mark.usefixtures("connected")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uses(clock: Clock) -> Iterator[KeyUses]:
    """A notebook whose background never writes by itself."""
    made = KeyUses(clock, seconds=3_600)
    yield made
    made.close()


def last_uses(reseller: Tenant) -> dict[UUID, datetime | None]:
    with transaction(scope_of(reseller)) as session:
        keys = list_api_keys(session, scope_of(reseller))
        return {key.id: key.last_used_at for key in keys}


def test_noting_a_use_costs_no_statement(uses: KeyUses) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)

    with queries() as statements:
        for _ in range(100):
            uses.note(key.id, of=scope_of(reseller))

    assert statements == []
    assert last_uses(reseller) == {key.id: None}


def test_uses_are_written_for_every_tenant_and_the_platform(uses: KeyUses) -> None:
    first, second = a_reseller(), a_reseller()
    used, _ = an_api_key(first)
    idle, _ = an_api_key(first)
    other, _ = an_api_key(second)
    own, _ = a_platform_key()
    for key_id, scope in (
        (used.id, scope_of(first)), (other.id, scope_of(second)), (own.id, PlatformScope()),
    ):  # fmt: skip
        uses.note(key_id, of=scope)

    uses.flush()

    with transaction(PlatformScope()) as session:
        keys = list_platform_api_keys(session, PlatformScope())
    assert last_uses(first) == {used.id: NOON, idle.id: None}
    assert last_uses(second) == {other.id: NOON}
    assert [key.last_used_at for key in keys if key.id == own.id] == [NOON]


def test_a_key_is_written_at_most_once_a_minute_and_never_back(uses: KeyUses, clock: Clock) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)
    seen = []

    for seconds in (0, 59, 60, -300):
        clock.at = NOON + timedelta(seconds=seconds)
        uses.note(key.id, of=scope_of(reseller))
        uses.flush()
        seen.append(last_uses(reseller)[key.id])

    assert seen == [NOON, NOON, NOON + timedelta(seconds=60), NOON + timedelta(seconds=60)]


def test_another_tenants_key_is_not_touched(uses: KeyUses) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)

    uses.note(key.id, of=scope_of(a_reseller()))
    uses.flush()

    assert last_uses(reseller) == {key.id: None}


def test_while_the_database_is_away_a_use_stays_noted(uses: KeyUses, connected: Database) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)
    uses.note(key.id, of=scope_of(reseller))
    before = db._process.engines, db._process.after_emit
    nowhere = make_engine(driver_url("postgresql://nobody@127.0.0.1:1/nothing"))
    connect(dict.fromkeys(SignIn, nowhere))

    uses.flush()

    connect(before[0], after_emit=before[1])
    assert last_uses(reseller) == {key.id: None}
    uses.flush()
    assert last_uses(reseller) == {key.id: NOON}


def test_a_refusal_by_the_database_neither_loses_a_use_nor_ends_the_background(
    clock: Clock, connected: Database
) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)
    uses = KeyUses(clock, seconds=0.02)
    before = db._process.engines, db._process.after_emit
    # There is a server, and no table of ours: as while a migration is undone.
    elsewhere = urlsplit(connected.owner_url)._replace(path="/template1").geturl()
    empty = make_engine(driver_url(elsewhere))
    connect(dict.fromkeys(SignIn, empty))

    with capture_logs() as logs:
        uses.note(key.id, of=scope_of(reseller))
        until(lambda: len(logs) > 1)
    connect(before[0], after_emit=before[1])
    empty.dispose()

    until(lambda: last_uses(reseller)[key.id] is not None)
    uses.close()
    assert {line["event"] for line in logs} == {"key_uses_not_written"}
    assert last_uses(reseller)[key.id] == NOON


def until(holds: Callable[[], bool]) -> None:
    ends = monotonic() + 5
    while not holds() and monotonic() < ends:
        sleep(0.01)


def test_the_background_writes_by_itself(clock: Clock) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)
    uses = KeyUses(clock, seconds=0.02)

    uses.note(key.id, of=TenantScope(reseller.id))
    for _ in range(500):
        if last_uses(reseller)[key.id]:
            break

    uses.close()
    assert last_uses(reseller)[key.id] == NOON


def test_closing_writes_the_rest(clock: Clock) -> None:
    reseller = a_reseller()
    key, _ = an_api_key(reseller)
    uses = KeyUses(clock, seconds=3_600)
    uses.note(key.id, of=scope_of(reseller))

    uses.close()

    assert last_uses(reseller)[key.id] == NOON
