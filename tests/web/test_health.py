from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.embedded import start_redis
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_reseller

TOKEN = "token-of-the-scraper"


def scrape(app: Flask, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(
        "/metrics", headers=sent, environ_overrides={"REMOTE_ADDR": address}
    )


def test_a_process_that_answers_is_alive(app: Flask) -> None:
    answer = app.test_client().get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_a_process_is_ready_while_it_reaches_everything(app: Flask) -> None:
    answer = app.test_client().get("/readyz")

    assert answer.status_code == 200
    assert (answer.json or {})["checks"] == {
        "database": "ok",
        "platform_database": "ok",
        "redis": "ok",
    }


def test_without_redis_a_process_is_not_ready_but_alive(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    redis = start_redis(tmp_path / "redis")
    app = make_app(redis_url=redis.url)
    redis.stop()

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert (answer.json or {})["checks"]["redis"] == "unavailable"
    assert app.test_client().get("/healthz").status_code == 200


def test_without_a_database_a_process_says_so_without_a_traceback(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(database_url="postgresql://kontor_app:secret@/kontor?host=/nowhere")

    ready = app.test_client().get("/readyz")
    page = Browser(app, f"anybody.{PLATFORM_DOMAIN}").get("/login")

    assert ready.status_code == page.status_code == 503
    assert (ready.json or {})["checks"]["database"] == "unavailable"
    assert b"secret" not in ready.data + page.data
    assert page.headers["Retry-After"] == "30"


def test_metrics_count_answers_by_route(app: Flask) -> None:
    Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}").get("/login")

    text = scrape(app).get_data(as_text=True)

    assert 'kontor_http_requests_total{method="GET",route="/login",status="200"}' in text
    assert "kontor_http_request_seconds_bucket" in text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_scraper_on_this_machine_reads_metrics(app: Flask, address: str) -> None:
    assert scrape(app, address).status_code == 200


def test_others_do_not_even_learn_that_there_are_metrics(app: Flask) -> None:
    assert scrape(app, "192.0.2.7").status_code == 404
    assert scrape(app, X_Forwarded_For="127.0.0.1").status_code == 404
    assert scrape(app, "192.0.2.7", Authorization="Bearer ").status_code == 404


def test_a_scraper_with_the_token_reads_metrics_from_anywhere(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(metrics_token=TOKEN)

    assert scrape(app, "192.0.2.7", Authorization=f"Bearer {TOKEN}").status_code == 200
    assert scrape(app, "192.0.2.7", Authorization=f"Bearer {TOKEN}x").status_code == 404


def test_an_invented_method_makes_no_metric_of_its_own(app: Flask) -> None:
    app.test_client().open("/healthz", method="BREW")

    text = scrape(app).get_data(as_text=True)

    assert 'method="other"' in text
    assert "BREW" not in text
