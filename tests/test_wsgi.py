"""The server's entry point, in a process of its own: gevent patches all of it."""

import os
import subprocess
import sys

import pytest

SETTINGS = {
    "SECRET_KEY": "k3y-0f-th3-t3sts-w1th-en0ugh-d1ff3rent-characters",
    "DATABASE_URL": "postgresql://kontor_app@/kontor",
    "DATABASE_PLATFORM_URL": "postgresql://kontor_platform@/kontor",
    "REDIS_URL": "unix:///nowhere/redis.sock",
}
PATCH = "from gevent import monkey; monkey.patch_all(); "


def serve(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("start", [PATCH, ""], ids=["under gevent", "without gevent"])
def test_the_app_is_made_from_the_environment_without_connecting(start: str) -> None:
    served = serve(f"{start}import wsgi; print(wsgi.app.name)")

    assert served.stdout.strip() == "app.web", served.stderr


def test_a_driver_that_would_block_every_greenlet_is_refused() -> None:
    served = serve(f"import psycopg; {PATCH}import wsgi")

    assert served.returncode != 0
    assert "BlockingDriverError" in served.stderr
