"""How many queries the customer's first page costs, however much has happened."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient

from app.billing import charge_usage
from app.edge import edge_of
from app.kernel import now, transaction
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.clients import a_minute
from tests.benchmarks.counting import counted, queries
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    required,
    stated,
)
from tests.benchmarks.loading import ProductWallet, Users, product_wallets
from tests.benchmarks.signed_in import application, base_url, cookies
from tests.benchmarks.stage import Stage

FEW, MANY = 10, 5_000
ALONE, CROWD = 1, 200
_AT_ONCE = 500
_VISITS = 30
_LISTENING_SECONDS = 10.0

HOW = f"""
`GET /portal/` of a signed-in customer on the whole application inside this process, for a reseller
with {ALONE} and one with {CROWD} customers, after {FEW} and after {MANY:,} transactions. Every
statement is counted at the database driver, also those that go around SQLAlchemy; what opens a
transaction is not counted. Site and brand are remembered from an earlier visit.
"""


@dataclass(frozen=True)
class _Visit:
    """What one page cost."""

    case: str
    queries: list[str]
    milliseconds: float


def measure(stage: Stage) -> list[Figure]:
    """Visit the page in each of the four cases."""
    settings = stage.database("dashboard")
    many, crowd = stage.count(MANY, quick=200), stage.count(CROWD, quick=20)
    visits = []
    for customers in (ALONE, crowd):
        visitor = product_wallets(settings, wallets=customers, resellers=1, users=Users.FIRST)[0]
        done = 1  # the top-up
        for transactions in (FEW, many):
            _charge(visitor, transactions - done)
            done = transactions
            case = f"{transactions:,} transactions, customers: {customers}"
            visits.append(_visit(settings, visitor, case))
    counts = {len(visit.queries) for visit in visits}
    return [
        required(
            f"queries of the dashboard with {FEW} and {many:,} transactions,"
            f" {ALONE} and {crowd} customers",
            "equal",
            ", ".join(str(len(visit.queries)) for visit in visits),
            is_met=len(counts) == 1,
            detail=" ".join(_not_in_all(visits)),
        ),
        *(
            stated(f"the page with {visit.case}", f"{visit.milliseconds:.1f} ms", "median")
            for visit in visits
        ),
    ]


def _not_in_all(visits: Sequence[_Visit]) -> list[str]:
    """The statements that only some of the visits needed."""
    asked = [set(visit.queries) for visit in visits]
    return sorted(
        {one for each in asked for one in each if not all(one in other for other in asked)}
    )


def _visit(settings: Settings, visitor: ProductWallet, case: str) -> _Visit:
    with application(settings) as app, counted(settings) as statements:
        (cookie,) = cookies(app, settings, [visitor])
        client = app.test_client(use_cookies=False)
        _remember(app, lambda: _get(client, settings, visitor, cookie))
        queries(statements)
        _get(client, settings, visitor, cookie)
        asked = queries(statements)
        if not asked:
            raise BrokenMeasurementError("the page asked the database nothing")
        spent = [_get(client, settings, visitor, cookie) for _ in range(_VISITS)]
    return _Visit(case, asked, statistics.median(spent) * 1000)


def _remember(app: Flask, visit: Callable[[], object]) -> None:
    """Visit until site and brand are remembered.

    As the app begins to hear news it forgets everything, so a visit before that does not count.
    """
    visit()
    deadline = time.monotonic() + _LISTENING_SECONDS
    while not edge_of(app).news.is_listening:
        if time.monotonic() > deadline:
            raise BrokenMeasurementError("the application does not listen to Redis")
        time.sleep(0.01)
    visit()


def _get(client: FlaskClient, settings: Settings, visitor: ProductWallet, cookie: str) -> float:
    started = time.perf_counter()
    answer = client.get(
        "/portal/", base_url=base_url(settings, visitor), headers={"Cookie": cookie}
    )
    spent = time.perf_counter() - started
    if answer.status_code != 200:
        raise BrokenMeasurementError(f"the dashboard answered {answer.status}")
    return spent


def _charge(visitor: ProductWallet, count: int) -> None:
    scope = TenantScope(visitor.reseller.id)
    for start in range(0, count, _AT_ONCE):
        with transaction(scope) as session:
            for _ in range(min(_AT_ONCE, count - start)):
                charge_usage(session, scope, usage=a_minute(visitor), now=now())


BENCHMARK = Benchmark("dashboard", "The customer's first page", HOW, measure)
