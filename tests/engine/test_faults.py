"""Real faults of disks and neighbours: a full one, one that fails, one that cannot be written, a lost tail, a lock that others hold.

A full and a read-only file are SQLite's own (`max_page_count`, `query_only`), as it reports ENOSPC and EROFS; a failing write is
the system's (`RLIMIT_FSIZE`); a power cut is a WAL that ends anywhere after what was synced.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.db import Database
from durablectl.engine.upkeep import check_hub
from durablectl.engine.worker import Worker
from durablectl.errors import HubUnusable
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.polling import wait_for_completion
from tests.engine.turning import T0, App, Turning


def pragma(turning: Turning, database: Database, text: str) -> None:
    database.connection().execute(f"PRAGMA {text}").fetchall()


def is_sound(path: Path) -> bool:
    with closing(Database(path)) as database:
        return not check_hub(database, T0).problems


@pytest.mark.parametrize(
    ("fault", "repair", "message"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "no room left on the disk of the hub .*; nothing was lost"),
        ("query_only = 1", "query_only = 0", "the hub .* is not writable"),
    ],
    ids=["full", "read-only"],
)
def test_a_turn_that_cannot_be_written_is_done_again_by_the_next_wheel(turning: Turning, fault: str, repair: str, message: str) -> None:
    turning.hub.start("sequence", ["Oslo", "x" * 20_000], instance_id="s")
    wheel = turning.wheel()
    wheel.turn(turning.now)
    pragma(turning, wheel._database, fault)
    with pytest.raises(HubUnusable, match=message):
        turning.turn_until_quiet(wheel)
    pragma(turning, wheel._database, repair)
    wheel.session.abandon()
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("s").runtime_status is RuntimeStatus.COMPLETED
    assert is_sound(turning.path)


@pytest.mark.parametrize("fault", ["max_page_count = 1", "query_only = 1"], ids=["full", "read-only"])
def test_a_start_that_cannot_be_written_is_refused_and_leaves_nothing(turning: Turning, fault: str) -> None:
    pragma(turning, turning.hub.database, fault)
    with pytest.raises(HubUnusable):
        turning.hub.start("sequence", ["x" * 100_000], instance_id="s")
    with LocalTaskHub(turning.path) as hub:
        assert hub.list_page(InstanceFilter()).items == ()


FAILING = """
import resource, sys
from pathlib import Path
from durablectl.backends.local import LocalTaskHub
from durablectl.errors import HubUnusable
path = Path(sys.argv[1])
hub = LocalTaskHub(path, create=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("hub.db-wal").stat().st_size + 1_000_000, resource.RLIM_INFINITY))
number = 0
try:
    while True:
        hub.start("hello", "x" * 1000, instance_id=f"i{number}")
        print(f"i{number}", flush=True)
        number += 1
except HubUnusable as error:
    print(error.message, file=sys.stderr)
"""


def test_after_a_failing_write_everything_acknowledged_is_there_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FAILING, tmp_path / "hub.db"], capture_output=True, text=True, check=False)
    acknowledged = done.stdout.split()
    assert "hub.db" in done.stderr
    assert len(acknowledged) > 5
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        assert [status.instance_id for status in hub.list_page(InstanceFilter(), top=1000).items] == acknowledged
    assert is_sound(tmp_path / "hub.db")


def test_a_power_cut_keeps_whatever_was_acknowledged_before_it(tmp_path: Path) -> None:
    rng = random.Random(4711)
    wal = tmp_path / "hub.db-wal"
    synced: list[tuple[str, int]] = []  # an instance, and how long the file was once its start had been acknowledged
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        for number in range(30):
            hub.start("hello", "x" * rng.randrange(3000), instance_id=f"i{number}")
            synced.append((f"i{number}", wal.stat().st_size))
        content = wal.read_bytes()
        for _ in range(40):
            cut = rng.randrange(len(content))
            folder = tmp_path / f"cut-{cut}"
            folder.mkdir(exist_ok=True)
            shutil.copy(tmp_path / "hub.db", folder)
            (folder / "hub.db-wal").write_bytes(content[:cut] + rng.randbytes(rng.randrange(2000)))
            survivors = [each for each, size in synced if size <= cut]
            assert left_in(folder) in (survivors, [*survivors, f"i{len(survivors)}"]), f"cut at {cut}"


def left_in(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "hub.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return []  # cut before the tables were made
        return [id_ for (id_,) in connection.execute("SELECT id FROM instances ORDER BY key")]


def test_every_connection_of_a_hub_syncs_each_commit(turning: Turning) -> None:
    database = turning.hub.database
    assert database.one("PRAGMA synchronous") == (2,)
    assert database.one("PRAGMA journal_mode") == ("wal",)


def test_a_wal_that_a_killed_process_left_is_read(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from durablectl.backends.local import LocalTaskHub\n"
        "LocalTaskHub(Path(sys.argv[1]), create=True).start('hello', instance_id='i')\nos._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "hub.db"], check=False)
    assert (tmp_path / "hub.db-wal").stat().st_size > 0
    (tmp_path / "hub.db-shm").unlink()  # lost with the machine
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        assert hub.get_status("i").name == "hello"


@contextmanager
def foreign_writer(path: Path) -> Iterator[None]:
    """Somebody who takes the write lock again and again, and leaves it for moments only."""
    stop = threading.Event()

    def storm() -> None:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                stop.wait(0.01)
                connection.execute("ROLLBACK")

    writer = threading.Thread(target=storm)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def test_work_goes_on_beside_a_foreign_writer_that_storms_the_lock(tmp_path: Path, app: App) -> None:
    path = tmp_path / "hub.db"
    with LocalTaskHub(path, create=True) as hub:
        worker = Worker(Database(path), app)
        with foreign_writer(path):
            worker.start()
            ids = [hub.start("sequence", ["Oslo"]).id for _ in range(5)]
            outputs = [wait_for_completion(hub, each, timeout=60).output for each in ids]
        worker.stop()
    assert outputs == [["Hello Oslo!"]] * 5
