import subprocess
import sys

import pytest

CHECK = "from app.kernel import require_cooperative_driver; require_cooperative_driver()"
PATCH = "from gevent import monkey; monkey.patch_all()"


@pytest.mark.parametrize(
    ("program", "is_refused"),
    [
        (CHECK, False),
        (f"{PATCH}; {CHECK}", False),
        (f"import psycopg; {PATCH}; {CHECK}", True),
    ],
    ids=["without gevent", "patched first", "psycopg first"],
)
def test_a_driver_that_would_stop_every_greenlet_is_refused(program: str, is_refused: bool) -> None:  # noqa: FBT001 - a parameter of a test
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert ("BlockingDriverError" in ended.stderr) is is_refused
    assert (ended.returncode != 0) is is_refused
