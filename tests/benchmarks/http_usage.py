"""`POST /api/v2/usage` on one web process against an empty Flask view."""

from __future__ import annotations

from functools import partial

from app.identity import make_api_key
from app.kernel import transaction
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.books import proven_books
from tests.benchmarks.figures import Benchmark, Figure, at_least
from tests.benchmarks.loading import ProductWallet, Reseller, product_wallets
from tests.benchmarks.samples import Comparison
from tests.benchmarks.stage import Stage, free_port, public_port, view_plan, web_plan
from tests.benchmarks.web_load import (
    CONNECTIONS,
    PROCESSES,
    EmptyCalls,
    UsageCalls,
    load_crew,
    run,
)

PAIRS = 5
WALLETS = 500
EMPTY_VIEW = "tests.benchmarks.empty_view:app"

HOW = f"""
One gunicorn process with one gevent worker serves the whole application, a second one of the same
kind a Flask view that returns an empty text. {PROCESSES} client processes with {CONNECTIONS}
connections each, kept alive, send the next request when the answer is in: usage events of
{WALLETS} customers, each under a new id, with a real API key (rate limits are set out of the way
but counted in Redis), and a plain GET. The two are measured one right after the other, five times,
who goes first alternates, and a second before each measurement does not count. Client, web process
and PostgreSQL share this machine's processors. Any answer but 201 stops everything. No worker
runs meanwhile. In the end every law of `kontor ledger verify` is checked.
"""


def measure(stage: Stage) -> list[Figure]:
    """Compare, then prove the books."""
    settings = stage.database("http")
    wallets = product_wallets(settings, wallets=stage.count(WALLETS, quick=50), resellers=1)
    comparison = _compare(stage, settings, wallets)
    return [
        at_least(
            "`POST /api/v2/usage`, as a share of an empty view",
            comparison.ratio,
            0.12,
            detail=comparison.detail("usage", "empty view"),
        ),
        proven_books(),
    ]


def _compare(stage: Stage, settings: Settings, wallets: list[ProductWallet]) -> Comparison:
    reseller = wallets[0].reseller
    usage = UsageCalls(reseller.host, _key(reseller), [wallet.customer for wallet in wallets])
    view_port, seconds = free_port(), stage.seconds(3.0)
    plans = [web_plan(settings), view_plan(view_port, EMPTY_VIEW)]
    with stage.serving(settings, *plans), load_crew() as crew:
        return Comparison.interleaved(
            stage.count(PAIRS, quick=3),
            partial(run, crew, public_port(settings), usage, seconds),
            partial(run, crew, view_port, EmptyCalls(), seconds),
        )


def _key(reseller: Reseller) -> str:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        _, secret = make_api_key(session, scope, name="Benchmark", scopes=["usage:write"])
    return secret


BENCHMARK = Benchmark("http", "Usage over HTTP", HOW, measure)
