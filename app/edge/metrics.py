import time
from typing import cast

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

# Where the target of requirement L1 lies (100 ms), with steps on both sides of it.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts and times answers by route and status; names nobody and no path that was asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kontor_http_requests",
            "Answers by route, method and status.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kontor_http_request_seconds",
            "Time until the headers of an answer were ready.",
            ["route", "method"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def text(self) -> bytes:
        """Return everything counted, of all worker processes where they share a folder."""
        # prometheus-client decides this itself, from PROMETHEUS_MULTIPROC_DIR, when it is imported.
        if values.ValueClass is values.MutexValue:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def measure(app: Flask, metrics: Metrics) -> None:
    """Count every answer of the app."""

    def start() -> None:
        g.started = time.perf_counter()

    def count(response: Response) -> Response:
        metrics.count(
            route=route_of_request(),
            # Anybody may invent methods, and every new label is memory for good.
            method=request.method if request.method in _METHODS else "other",
            status=response.status_code,
            seconds=elapsed(),
        )
        return response

    app.before_request(start)
    app.after_request(count)


def route_of_request() -> str:
    """Return the rule that matched, never the path: paths may hold what a person typed."""
    return request.url_rule.rule if request.url_rule else "unmatched"


def elapsed() -> float:
    """Return the seconds since the request came in."""
    return time.perf_counter() - cast("float", g.started)
