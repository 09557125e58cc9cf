import os
import subprocess
from pathlib import Path

import pytest

from app.embedded import EmbeddedServerError
from app.embedded.locks import locked


def test_a_lock_that_is_held_is_refused_after_a_while(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(EmbeddedServerError, match="Another process holds"),
        locked(tmp_path / "lock", timeout=0.1),
    ):
        pytest.fail("two holders")


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        pass

    with locked(tmp_path / "lock", timeout=0) as descriptor:
        assert os.fstat(descriptor).st_size == 0


def test_a_child_that_inherits_a_lock_keeps_it(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as descriptor:
        child = subprocess.Popen(["/bin/sleep", "60"], pass_fds=[descriptor])

    with (
        pytest.raises(EmbeddedServerError),
        locked(tmp_path / "lock", timeout=0.1),
    ):
        pytest.fail("two holders")

    child.kill()
    child.wait()


def test_a_lock_in_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(EmbeddedServerError, match="No such file"),
        locked(tmp_path / "gone" / "lock"),
    ):
        pytest.fail("no folder")
