import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import RedisServer, delete_postgres
from app.embedded.processes import has_process_in, wait_until

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A PostgreSQL directory; as root it lies in a closed folder, since pytest's are."""
    folder = tmp_path / "server"
    yield folder
    _end_postgres(folder)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A PostgreSQL directory below a folder that everybody may enter."""
    parent = Path(tempfile.mkdtemp(prefix="kontor-test-"))
    parent.chmod(0o755)
    yield parent / "server"
    _end_postgres(parent / "server")
    shutil.rmtree(parent)


@pytest.fixture
def redis_directory(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "redis"
    yield folder
    if folder.exists():
        RedisServer(folder, folder / "redis.sock", Path("redis-server")).stop()
    assert not has_process_in(folder)


@pytest.fixture
def starter() -> Callable[[str, Path], subprocess.Popen[str]]:
    """Run a script of one line in a process of its own; `directory` is the folder given."""

    def begin(script: str, folder: Path) -> subprocess.Popen[str]:
        head = "import os, sys; from pathlib import Path; from app.embedded import *"
        lines = f"{head}\ndirectory = Path(sys.argv[1])\n{script}\n"
        return subprocess.Popen(
            [sys.executable, "-c", lines, str(folder)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root changes the user that a server runs as")


def _end_postgres(folder: Path) -> None:
    data = (folder / "postgres").resolve() / "data"
    delete_postgres(folder)
    assert wait_until(lambda: not has_process_in(data), timeout=10)
    assert not data.exists()
