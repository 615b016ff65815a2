"""A hub that stays open for long holds no more than it needs."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.store.connections import LiveLock
from durablectl.engine.store.database import Database
from durablectl.engine.worker.embedded import embedded_worker
from durablectl.errors import AppError, HubUnusable


def test_a_thread_that_has_ended_leaves_no_connection_open(tmp_path: Path) -> None:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        for number in range(20):
            thread = threading.Thread(target=hub.start, args=("echo", number))
            thread.start()
            thread.join()
        assert len(hub.database._opened) <= 2  # this thread's, and the last one's


reads_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")


def open_files(folder: Path) -> list[Path]:
    """The files below a folder that this process has open."""
    links = list(Path("/proc/self/fd").iterdir())
    return [
        target
        for link in links
        if link.is_symlink() and (target := link.readlink()).is_relative_to(folder)
    ]


@reads_proc
def test_threads_that_come_while_the_hub_is_closed_leave_no_connection_open(
    tmp_path: Path,
) -> None:
    LocalTaskHub(tmp_path / "hub.db", create=True).close()
    for number in range(100):
        database, both = Database(tmp_path / "hub.db"), threading.Barrier(9)

        def look(database: Database = database, both: threading.Barrier = both) -> None:
            both.wait()
            with suppress(HubUnusable):
                database.query("SELECT 1")
            both.wait()  # so that no ending thread frees its connection
            both.wait()

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        both.wait()
        while len(database._opened) < 2 + number % 7:  # this thread's, and those that came first
            pass
        database.close()
        both.wait()
        left = open_files(tmp_path)
        both.wait()
        for thread in threads:
            thread.join()
        assert left == []


@reads_proc
@pytest.mark.parametrize("content", ["a newer hub", "another database", "no database"])
def test_a_hub_that_is_refused_is_not_left_open(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hub.db"
    if content == "no database":
        path.write_bytes(b"no database" * 1000)
    else:
        Database(path, create=True).close()
        with closing(sqlite3.connect(path)) as sql:
            sql.execute(
                "PRAGMA user_version = 99"
                if content == "a newer hub"
                else "PRAGMA application_id = 1"
            )
            sql.commit()
    with pytest.raises(HubUnusable) as refused:
        Database(path)
    assert open_files(tmp_path) == []
    assert refused.value.__traceback__ is not None  # it still holds the frames, and what they held


@reads_proc
def test_a_lock_file_that_is_refused_is_not_left_open(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"no lock" * 1000)
    with pytest.raises(HubUnusable) as refused:
        LiveLock(tmp_path / "lock")
    assert open_files(tmp_path) == []
    assert refused.value.__traceback__ is not None


@reads_proc
def test_a_wait_that_cannot_work_leaves_its_hub_closed(tmp_path: Path) -> None:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        hub.start("echo", instance_id="a")
    with (
        pytest.raises(AppError) as refused,
        embedded_worker(tmp_path / "hub.db", lambda: Registry("app"), ["a"]),
    ):
        pass
    assert open_files(tmp_path) == []
    assert refused.value.__traceback__ is not None
