import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.cli.children import (
    Child,
    Plan,
    end_children,
    end_leftovers,
    require_alive,
    require_free_port,
    start_children,
    wait_until_ready,
)
from app.cli.errors import AlreadyRunningError, ChildDiedError, NotReadyError, PortInUseError
from app.cli.lifetime import Stopped, StopRequest, forget, held, stop_on_signals

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def _plan(script: str, *, is_ready: bool = True) -> Plan:
    return Plan("thing", [sys.executable, "-c", script], lambda: is_ready)


@contextmanager
def _started(plan: Plan, directory: Path) -> Iterator[Child]:
    (child,) = start_children([plan], environment=ENVIRONMENT, directory=directory)
    try:
        yield child
    finally:
        end_children([child])


def test_a_port_in_use_is_refused_with_what_to_do_about_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortInUseError) as refused:
            require_free_port("127.0.0.1", port, option="kontor demo --port 8010")

    assert f"Port {port}" in refused.value.message
    assert "kontor demo --port 8010" in refused.value.message


def test_a_child_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    with _started(_plan("print('no disk left'); raise SystemExit(3)"), tmp_path) as child:
        child.process.wait(10)

        with pytest.raises(ChildDiedError) as died:
            require_alive([child])

    assert "thing ended by itself (3)" in died.value.message
    assert "no disk left" in died.value.message


def test_last_words_of_an_earlier_run_are_not_repeated(tmp_path: Path) -> None:
    with _started(_plan("print('first')"), tmp_path) as child:
        child.process.wait(10)

    with _started(_plan("print('second')"), tmp_path) as child:
        child.process.wait(10)
        words = child.last_lines()

    assert words == "second"


def test_a_child_that_does_not_get_ready_is_refused_in_time(tmp_path: Path) -> None:
    with (
        _started(_plan("import time; time.sleep(60)", is_ready=False), tmp_path) as child,
        pytest.raises(NotReadyError, match=r"thing was not ready in 0\.2 seconds"),
    ):
        wait_until_ready([child], StopRequest(), timeout=0.2)


def test_waiting_ends_when_somebody_asks_to_stop(tmp_path: Path) -> None:
    stop = StopRequest()
    stop.event.set()

    with (
        _started(_plan("import time; time.sleep(60)", is_ready=False), tmp_path) as child,
        pytest.raises(Stopped),
    ):
        wait_until_ready([child], stop, timeout=10)


def test_ending_leaves_no_process(tmp_path: Path) -> None:
    with _started(_plan("import time; time.sleep(60)"), tmp_path) as child:
        pid = child.process.pid

    assert not psutil.pid_exists(pid)


def test_what_a_killed_starter_left_behind_is_ended(tmp_path: Path) -> None:
    with _started(_plan("import time; time.sleep(60)"), tmp_path) as child:
        end_leftovers(tmp_path)

        assert not psutil.pid_exists(child.process.pid)


def test_a_stranger_with_a_recycled_process_id_is_left_alone(tmp_path: Path) -> None:
    with _started(_plan("import time; time.sleep(60)"), tmp_path) as child:
        record = tmp_path / "processes.json"
        record.write_text(json.dumps([[child.process.pid, 12345.0]]))

        end_leftovers(tmp_path)

        assert child.process.poll() is None
        assert not record.exists()


def test_a_directory_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with (
        held(tmp_path),
        pytest.raises(AlreadyRunningError, match=str(os.getpid())),
        held(tmp_path),
    ):
        pass

    with held(tmp_path):
        assert (tmp_path / "lock").exists()


def test_a_directory_with_something_in_it_is_not_forgotten(tmp_path: Path) -> None:
    kept, emptied = tmp_path / "kept", tmp_path / "emptied"
    for each in (kept, emptied):
        with held(each):
            pass
    (kept / "data").touch()

    for each in (kept, emptied):
        forget(each)

    assert (kept.exists(), emptied.exists()) == (True, False)


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from app.cli.lifetime import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()

    with held(tmp_path):
        assert holder.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_request_and_no_interruption(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 5
        while not stop.wait(0.01) and time.monotonic() < deadline:
            continue

    assert stop.event.is_set()
