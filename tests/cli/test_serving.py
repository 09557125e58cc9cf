import runpy
from typing import Any

import pytest
from gunicorn.config import make_settings

from app.cli.serving import GUNICORN_SETTINGS, web_command
from tests.cli.conftest import Operator


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    return runpy.run_path(str(GUNICORN_SETTINGS))


def test_a_worker_holds_ten_thousand_streams(served: dict[str, Any]) -> None:
    assert served["worker_class"] == "gevent"
    assert served["worker_connections"] >= 10_000


def test_nothing_is_imported_before_gevent_patched_the_worker(served: dict[str, Any]) -> None:
    assert served["preload_app"] is False


def test_gunicorn_knows_every_setting(served: dict[str, Any]) -> None:
    known = make_settings()
    ours = {name for name in served if not name.startswith("_")} - {"Any", "Path", "gc", "resource"}

    assert ours <= known.keys()


def test_idle_connections_are_closed_by_nginx_first(served: dict[str, Any]) -> None:
    assert served["keepalive"] > 60


def test_front_ends_are_trusted_by_name_alone() -> None:
    command = web_command(host="127.0.0.1", port=8000, workers=2, forwarded_allow_ips="10.0.0.7")

    assert command[command.index("--forwarded-allow-ips") + 1] == "10.0.0.7"


@pytest.mark.parametrize("command", ["web", "worker"])
def test_a_process_without_servers_says_what_is_missing(operator: Operator, command: str) -> None:
    result = operator.runs(command, REDIS_URL=None)

    assert result.exit_code == 2
    assert "REDIS_URL" in result.output
