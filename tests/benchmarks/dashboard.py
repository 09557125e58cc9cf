"""How many queries the customer's first page costs, however much has happened."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from flask.testing import FlaskClient

from app.billing import charge_usage
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
        ),
        *(
            stated(f"the page with {visit.case}", f"{visit.milliseconds:.1f} ms", "median")
            for visit in visits
        ),
    ]


def _visit(settings: Settings, visitor: ProductWallet, case: str) -> _Visit:
    with application(settings) as app, counted(settings) as statements:
        (cookie,) = cookies(app, settings, [visitor])
        client = app.test_client(use_cookies=False)
        _get(client, settings, visitor, cookie)
        queries(statements)
        _get(client, settings, visitor, cookie)
        asked = queries(statements)
        if not asked:
            raise BrokenMeasurementError("the page asked the database nothing")
        spent = [_get(client, settings, visitor, cookie) for _ in range(_VISITS)]
    return _Visit(case, asked, statistics.median(spent) * 1000)


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
