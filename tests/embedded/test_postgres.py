import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.embedded import EmbeddedServerError, PostgresServer, delete_postgres, start_postgres

FAST = {"fsync": "off", "shared_buffers": "16MB"}
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

Starter = Callable[[str, Path], subprocess.Popen[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for the tests that only look at it."""
    folder = tmp_path_factory.mktemp("shared")
    yield start_postgres(folder, options=FAST)
    delete_postgres(folder)


def answer(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def do(url: str, command: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(command.encode())


def test_a_server_that_is_stopped_and_started_keeps_its_data(directory: Path) -> None:
    with start_postgres(directory, options=FAST) as server:
        do(server.superuser_url(), "CREATE TABLE kept (n) AS VALUES (42)")
        assert server.is_running()
    assert not server.is_running()

    again = start_postgres(directory, options=FAST)

    assert answer(again.superuser_url(), "SELECT n FROM kept") == 42
    assert again == server


def test_a_cluster_is_utf8_in_locale_c_and_utc(server: PostgresServer) -> None:
    found = [
        answer(server.superuser_url(), f"SHOW {name}")
        for name in ("server_encoding", "timezone", "max_connections")
    ]

    locale = "SELECT datcollate FROM pg_database WHERE datname = 'template1'"
    assert answer(server.superuser_url(), locale) == "C"
    assert found == ["UTF8", "UTC", "200"]


def test_durability_is_on_unless_the_caller_says_otherwise(directory: Path) -> None:
    with start_postgres(directory) as server:
        kept = [answer(server.superuser_url(), f"SHOW {n}") for n in ("fsync", "full_page_writes")]

    assert kept == ["on", "on"]


def test_a_wrong_password_is_refused_on_the_socket(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url("postgres", "guess", "postgres"))

    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@/postgres?host={server.socket_directory}")


def test_no_rule_of_a_cluster_trusts_anybody(server: PostgresServer) -> None:
    rules = answer(
        server.superuser_url(),
        "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules",
    )

    assert rules == ["scram-sha-256"]


def test_a_password_with_any_letters_fits_into_a_url(server: PostgresServer) -> None:
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE \"o'brian@x\" LOGIN PASSWORD 'p/w:%?& ö'")
        connection.execute('CREATE DATABASE "my/base?"')

    name = answer(server.url("o'brian@x", "p/w:%?& ö", "my/base?"), "SELECT current_user")

    assert name == "o'brian@x"


def test_a_server_does_not_listen_on_the_network(server: PostgresServer) -> None:
    process = psutil.Process(server.process_id())

    assert process.net_connections("inet") == []


def test_the_password_is_for_the_owner_only_and_not_in_the_log(server: PostgresServer) -> None:
    kept = server.directory / "postgres.password"

    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().strip() == server.superuser_password
    assert server.superuser_password not in repr(server)
    assert server.superuser_password not in (server.directory / "postgres.log").read_text()
    assert not (server.data_directory.parent / "initdb.password").exists()


def test_two_starters_at_once_get_one_server(directory: Path, starter: Starter) -> None:
    script = "print(start_postgres(directory, options={'fsync': 'off'}).process_id())"

    both = [starter(script, directory) for _ in range(2)]

    printed = [process.communicate()[0].strip() for process in both]
    assert printed[0] == printed[1]
    assert psutil.Process(int(printed[0])).is_running()


def test_a_second_start_finds_the_server_that_runs(directory: Path) -> None:
    first = start_postgres(directory, options=FAST)
    number = first.process_id()

    second = start_postgres(directory, options=FAST)

    assert second == first
    assert second.process_id() == number


def test_stopping_breaks_connections_off_and_can_be_repeated(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)
    number = server.process_id()
    with psycopg.connect(server.superuser_url()) as connection:
        server.stop()
        server.stop()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")

    assert number is not None
    assert server.process_id() is None


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="Debian's PostgreSQL 15 is not installed")
def test_the_caller_may_bring_other_programs(directory: Path) -> None:
    server = start_postgres(directory, binaries=DEBIAN_15, options=FAST)

    version = answer(server.superuser_url(), "SHOW server_version_num")

    assert str(version).startswith("15")
    assert (server.version, server.binaries) == (15, DEBIAN_15)


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="Debian's PostgreSQL 15 is not installed")
def test_data_of_another_version_are_refused_and_kept(directory: Path) -> None:
    start_postgres(directory, binaries=DEBIAN_15, options=FAST).stop()

    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 15, .* is 1[68]"):
        start_postgres(directory, options=FAST)

    assert start_postgres(directory, binaries=DEBIAN_15, options=FAST).is_running()


def test_a_long_directory_gets_a_short_socket_folder(reachable: Path) -> None:
    deep = reachable / ("deep" * 25)

    with start_postgres(deep, options=FAST) as server:
        number = answer(server.superuser_url(), "SELECT 1")

    assert number == 1
    assert not server.socket_directory.is_relative_to(deep)
    delete_postgres(deep)
    assert not server.socket_directory.exists()


def test_deleting_takes_server_data_and_password_away(directory: Path) -> None:
    server = start_postgres(directory, options=FAST)

    delete_postgres(directory)

    assert not server.is_running()
    assert not server.data_directory.exists()
    assert [path.name for path in directory.iterdir()] == ["postgres.lock"]


def test_deleting_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    delete_postgres(tmp_path / "nothing")

    assert not (tmp_path / "nothing").exists()
