import os
import pwd
import shutil
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from app.embedded import EmbeddedServerError, delete_postgres, places, start_postgres
from app.embedded.cluster import wheel_binaries

FAST = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.usefixtures("as_root")
def test_as_root_a_server_runs_as_nobody(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)

    process = psutil.Process(server.process_id())

    assert set(process.uids()) == {pwd.getpwnam("nobody").pw_uid}
    assert set(process.gids()) == {pwd.getpwnam("nobody").pw_gid}
    assert os.getsid(process.pid) != os.getsid(0)


@pytest.mark.usefixtures("as_root")
def test_as_root_a_closed_home_stays_closed_and_data_lie_elsewhere(closed: Path) -> None:
    directory = closed / "server"

    try:
        server = start_postgres(directory, options=FAST)
        with psycopg.connect(server.superuser_url()) as connection:
            connection.execute("SELECT 1")

        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert server.data_directory.is_relative_to(places.OPEN_ROOT)
        assert (directory / "postgres").readlink() == server.data_directory.parent
    finally:
        delete_postgres(directory)
    assert not server.data_directory.parent.exists()


@pytest.mark.usefixtures("as_root")
def test_as_root_a_reachable_directory_holds_its_data_itself(reachable: Path) -> None:
    server = start_postgres(reachable, options=FAST)

    data = server.data_directory

    assert data == reachable / "postgres" / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.usefixtures("as_root")
def test_as_root_a_directory_made_anew_starts_empty(closed: Path) -> None:
    directory = closed / "server"
    first = start_postgres(directory, options=FAST)
    first.stop()
    kept = directory.rename(closed / "moved")

    try:
        second = start_postgres(directory, options=FAST)

        assert second.data_directory != first.data_directory
        assert start_postgres(kept, options=FAST).data_directory == first.data_directory
    finally:
        delete_postgres(directory)
        delete_postgres(kept)


@pytest.mark.usefixtures("as_root")
def test_as_root_programs_in_a_closed_home_are_copied_once(directory: Path, closed: Path) -> None:
    package = wheel_binaries().parents[1]
    for source in (wheel_binaries().parent, package.with_name(f"{package.name}.libs")):
        target = closed / source.relative_to(package.parent)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
    binaries = closed / wheel_binaries().relative_to(package.parent)

    first = start_postgres(directory, binaries=binaries, options=FAST)
    try:
        made = first.binaries.stat()
        first.stop()
        second = start_postgres(directory, binaries=binaries, options=FAST)

        assert first.binaries.is_relative_to(places.OPEN_ROOT / "binaries")
        assert second.is_running()
        assert (second.binaries, second.binaries.stat().st_ino) == (first.binaries, made.st_ino)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        delete_postgres(directory)
        shutil.rmtree(first.binaries.parents[2])


@pytest.mark.usefixtures("as_root")
def test_a_link_whose_data_are_gone_is_refused(closed: Path) -> None:
    directory = closed / "server"
    directory.mkdir()
    link = directory / "postgres"
    link.symlink_to(places.OPEN_ROOT / "postgres" / "no-such-home")

    with pytest.raises(EmbeddedServerError, match="is gone with its data"):
        start_postgres(directory, options=FAST)

    assert link.is_symlink()


@pytest.mark.usefixtures("as_root")
def test_data_of_another_user_are_refused(reachable: Path) -> None:
    server = start_postgres(reachable, options=FAST)
    server.stop()
    owner = server.data_directory.stat().st_uid
    os.chown(server.data_directory, 0, 0)

    with pytest.raises(EmbeddedServerError, match="belongs to user 0"):
        start_postgres(reachable, options=FAST)

    os.chown(server.data_directory, owner, -1)
    assert start_postgres(reachable, options=FAST).is_running()


def test_a_short_socket_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    home.mkdir()
    folder = places.socket_folder(home, socket_name="x.sock", account=None)
    folder.chmod(0o777)

    with pytest.raises(EmbeddedServerError, match="made by someone else"):
        places.socket_folder(home, socket_name="x.sock", account=None)

    places.remove_socket_folder(home)
    assert not folder.exists()


def test_a_short_path_needs_no_other_socket_folder(tmp_path: Path) -> None:
    folder = places.socket_folder(Path("/short"), socket_name="x.sock", account=None)

    assert folder == Path("/short")


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match="cannot be made"):
        start_postgres(tmp_path / "file")

    assert (tmp_path / "file").is_file()
