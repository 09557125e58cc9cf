import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, SIGSTOP

import psutil
import psycopg
import pytest

from app.embedded import EmbeddedServerError, start_postgres
from app.embedded.processes import is_living, wait_until

FAST = {"fsync": "off", "shared_buffers": "16MB"}

Starter = Callable[[str, Path], subprocess.Popen[str]]


def note(url: str) -> int:
    """Add a row and return how many there are."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (n int)")
        connection.execute("INSERT INTO notes VALUES (1)")
        row = connection.execute("SELECT count(*) FROM notes").fetchone()
    assert row is not None
    return int(row[0])


def test_a_server_is_found_again_after_its_starter_was_killed(
    directory: Path, starter: Starter
) -> None:
    script = (
        "print(start_postgres(directory, options={'fsync': 'off'}).process_id(), flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = starter(script, directory)
    printed, _ = killed.communicate()
    assert killed.returncode == -SIGKILL

    server = start_postgres(directory)

    assert server.process_id() == int(printed)
    assert note(server.superuser_url()) == 1


def test_a_start_recovers_from_a_killed_postgres(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    note(server.superuser_url())
    killed = server.process_id()
    assert killed is not None
    os.kill(killed, SIGKILL)

    again = start_postgres(directory, options=FAST)

    assert again.process_id() not in {None, killed}
    assert note(again.superuser_url()) == 2


def test_a_start_waits_for_what_a_killed_postgres_left_running(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    number = server.process_id()
    assert number is not None
    orphans = psutil.Process(number).children()
    orphans[0].send_signal(SIGSTOP)
    os.kill(number, SIGKILL)
    resumed = subprocess.Popen(["/bin/sh", "-c", f"sleep 1; kill -CONT {orphans[0].pid}"])

    again = start_postgres(directory, options=FAST)

    assert resumed.wait() == 0
    assert note(again.superuser_url()) == 1
    assert not is_living(orphans[0])


def test_a_start_is_not_held_up_by_a_number_that_someone_else_has(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    note(server.superuser_url())
    server.stop()
    stale = [str(os.getpid()), str(server.data_directory), "1", "5432", "", "", "", "ready"]
    (server.data_directory / "postmaster.pid").write_text("\n".join(stale))

    again = start_postgres(directory, options=FAST)

    assert again.process_id() != os.getpid()
    assert note(again.superuser_url()) == 2


def test_a_start_is_not_held_up_by_a_postgres_that_nobody_reaps(
    directory: Path, starter: Starter
) -> None:
    # As in a container whose first process never reaps: the script adopts the server
    # (36 is PR_SET_CHILD_SUBREAPER) and leaves it a zombie.
    script = (
        "import ctypes\n"
        "assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0\n"
        "old = start_postgres(directory, options={'fsync': 'off'}).process_id()\n"
        "os.kill(old, 9)\n"
        "new = start_postgres(directory, options={'fsync': 'off'}).process_id()\n"
        "print(Path(f'/proc/{old}/stat').read_text().split()[2], old != new)"
    )

    printed, _ = starter(script, directory).communicate()

    assert printed.split() == ["Z", "True"]


def test_a_start_survives_a_starter_killed_while_it_made_the_cluster(
    directory: Path, starter: Starter
) -> None:
    killed = starter("start_postgres(directory, options={'fsync': 'off'})", directory)
    home = directory / "postgres"
    wait_until((home / "data.new" / "base").exists, timeout=20)
    killed.kill()
    killed.communicate()

    server = start_postgres(directory, options=FAST)

    assert note(server.superuser_url()) == 1
    assert not (server.data_directory.parent / "data.new").exists()


def test_a_server_that_ignores_a_stop_is_ended_by_force(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    note(server.superuser_url())
    number = server.process_id()
    assert number is not None
    checkpointer = next(
        child
        for child in psutil.Process(number).children()
        if "checkpointer" in " ".join(child.cmdline())
    )
    checkpointer.send_signal(SIGSTOP)

    server.stop(timeout=0.5)

    assert server.process_id() is None
    assert note(start_postgres(directory, options=FAST).superuser_url()) == 2


def test_a_bad_setting_is_told_with_the_end_of_the_log(directory: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="invalid value for parameter") as caught:
        start_postgres(directory, options={"shared_buffers": "plenty", "fsync": "off"})

    assert caught.value.reason == "PostgreSQL does not start"
    assert start_postgres(directory, options=FAST).is_running()


@pytest.mark.parametrize("name", ["listen_addresses", "port", "hba_file"])
def test_settings_that_open_or_hide_the_server_are_refused(directory: Path, name: str) -> None:
    with pytest.raises(EmbeddedServerError, match=name):
        start_postgres(directory, options={name: "x"})

    assert not directory.exists()


def test_a_folder_without_programs_is_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"postgres did not run: .*No such file"):
        start_postgres(directory, binaries=tmp_path)

    assert not list((directory / "postgres").resolve().iterdir())


def test_a_broken_program_is_told_with_what_it_printed(directory: Path, tmp_path: Path) -> None:
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    broken.chmod(0o755)

    with pytest.raises(EmbeddedServerError, match=r"failed \(127\)\nno such library"):
        start_postgres(directory, binaries=tmp_path)

    assert not list((directory / "postgres").resolve().iterdir())


def test_a_lost_password_is_refused_and_data_are_kept(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    note(server.superuser_url())
    server.stop()
    kept = directory / "postgres.password"
    away = kept.rename(directory / "away")

    with pytest.raises(EmbeddedServerError, match=r"postgres\.password is gone"):
        start_postgres(directory, options=FAST)

    away.rename(kept)
    assert note(start_postgres(directory, options=FAST).superuser_url()) == 2
