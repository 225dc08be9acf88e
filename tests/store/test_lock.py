"""One process for each data directory."""

import os
import platform
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from actors.errors import StoreError, StoreLocked
from actors.store.lock import DataDirLock, holder_of

HOLD = """
import sys
from actors.store.lock import DataDirLock
lock = DataDirLock(sys.argv[1])
print(lock.holder, flush=True)
sys.stdin.read()
"""


def hold_elsewhere(directory: Path) -> tuple[subprocess.Popen[str], str]:
    """Have another process take the directory; return it and the name it gave itself."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    return holder, holder.stdout.readline().strip()


@pytest.mark.process
def test_a_second_process_is_told_who_has_the_directory_and_a_kill_frees_it(tmp_path: Path) -> None:
    holder, name = hold_elsewhere(tmp_path)
    try:
        with pytest.raises(StoreLocked) as refused:
            DataDirLock(tmp_path)
        assert holder_of(tmp_path) == name
    finally:
        holder.kill()
        holder.communicate()

    assert (tmp_path / "owner.txt").read_text() == name
    assert holder_of(tmp_path) is None
    assert str(holder.pid) in name
    assert platform.node() in name
    assert str(refused.value).startswith(f"data directory {tmp_path} is in use by {name}; stop that process first")
    with DataDirLock(tmp_path) as lock:
        assert f"process {os.getpid()} on" in lock.holder


def test_the_same_process_cannot_take_a_directory_twice_and_the_attempt_costs_the_first_nothing(tmp_path: Path) -> None:
    with DataDirLock(tmp_path) as lock:
        for _ in range(2):
            with pytest.raises(StoreLocked, match=f"in use by {lock.holder}"):
                DataDirLock(tmp_path)
    DataDirLock(tmp_path).release()


def test_a_released_directory_is_free_and_names_nobody(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path)
    lock.release()
    lock.release()

    assert [path.name for path in tmp_path.iterdir()] == ["owner.lock"]


def test_a_holder_that_has_not_written_its_name_yet_still_holds(tmp_path: Path) -> None:
    with DataDirLock(tmp_path):
        (tmp_path / "owner.txt").unlink()
        with pytest.raises(StoreLocked, match="in use by another process; stop"):
            DataDirLock(tmp_path)


def test_a_missing_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    with DataDirLock(tmp_path / "data"):
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"data directory .*file: File exists; choose one this user may write"):
        DataDirLock(tmp_path / "file")


def test_nobody_holds_a_directory_that_is_free_or_not_there(tmp_path: Path) -> None:
    with DataDirLock(tmp_path) as lock:
        assert holder_of(tmp_path) == lock.holder
    assert holder_of(tmp_path) is None
    assert holder_of(tmp_path / "nowhere") is None


def test_looking_for_the_holder_stands_in_nobodys_way(tmp_path: Path) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            holder_of(tmp_path)

    with ThreadPoolExecutor(2) as pool:
        lookers = [pool.submit(look) for _ in range(2)]
        try:
            for _ in range(100):
                (tmp_path / "owner.txt").write_text("one that was killed")
                DataDirLock(tmp_path).release()
        finally:
            done.set()
        for looker in lookers:
            looker.result(30)
