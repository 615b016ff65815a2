"""Real faults of disks and neighbours: a full one, one that cannot be written, a lock that others
hold.

Within a turn, a full and a read-only file are SQLite's own (`max_page_count`, `query_only`), as it
reports ENOSPC and EROFS; beside that there are real file systems that are full or read-only, where
a test may mount. Power cuts and disks that fail are in `tests/powerloss`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.store.maintenance import check_hub
from durablectl.engine.worker.worker import Worker, WorkerCallbacks
from durablectl.errors import HubBusy, HubUnusable
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from tests.engine.dispatching import T0, App, Dispatching


def pragma(dispatching: Dispatching, database: Database, text: str) -> None:
    database.connection().execute(f"PRAGMA {text}").fetchall()


def is_sound(path: Path) -> bool:
    with closing(Database(path)) as database:
        return not check_hub(database, T0).problems


@pytest.mark.parametrize(
    ("fault", "repair", "message"),
    [
        (
            "max_page_count = 1",
            "max_page_count = 1000000",
            "no room left on the disk of the hub .*; nothing was lost",
        ),
        ("query_only = 1", "query_only = 0", "the hub .* is not writable"),
    ],
    ids=["full", "read-only"],
)
def test_a_turn_that_cannot_be_written_is_done_again_by_the_next_wheel(
    dispatching: Dispatching, fault: str, repair: str, message: str
) -> None:
    dispatching.hub.start("sequence", ["Oslo", "x" * 20_000], instance_id="s")
    dispatcher = dispatching.dispatcher()
    dispatcher.process_next(dispatching.now)
    pragma(dispatching, dispatcher._database, fault)
    with pytest.raises(HubUnusable, match=message):
        dispatching.process_until_quiet(dispatcher)
    pragma(dispatching, dispatcher._database, repair)
    dispatcher.lease.abandon()
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("s").runtime_status is RuntimeStatus.COMPLETED
    assert is_sound(dispatching.path)


@pytest.mark.parametrize(
    "fault", ["max_page_count = 1", "query_only = 1"], ids=["full", "read-only"]
)
def test_a_start_that_cannot_be_written_is_refused_and_leaves_nothing(
    dispatching: Dispatching, fault: str
) -> None:
    pragma(dispatching, dispatching.hub.database, fault)
    with pytest.raises(HubUnusable):
        dispatching.hub.start("sequence", ["x" * 100_000], instance_id="s")
    with LocalTaskHub(dispatching.path) as hub:
        assert hub.list_page(InstanceFilter()).items == ()


def test_every_connection_of_a_hub_syncs_each_commit(dispatching: Dispatching) -> None:
    database = dispatching.hub.database
    assert database.one("PRAGMA synchronous") == (2,)
    assert database.one("PRAGMA journal_mode") == ("wal",)


def test_a_wal_that_a_killed_process_left_is_read(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from durablectl.backends.local import "
        "LocalTaskHub\n"
        "LocalTaskHub(Path(sys.argv[1]), create=True).start('hello', instance_id='i')\nos._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "hub.db"], check=False)
    assert (tmp_path / "hub.db-wal").stat().st_size > 0
    (tmp_path / "hub.db-shm").unlink()  # lost with the machine
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        assert hub.get_status("i").name == "hello"


MIB = 1 << 20


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", folder)
    ):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def mount(*args: str | Path) -> int:
    return subprocess.run(["mount", *args], stderr=subprocess.DEVNULL, check=False).returncode


def test_a_full_file_system_refuses_and_work_goes_on_once_there_is_room(
    mounted: Path, app: App
) -> None:
    acknowledged, filling = [], mounted / "filling"
    with (
        LocalTaskHub(mounted / "hub.db", create=True) as hub,
        closing(Database(mounted / "hub.db")) as database,
    ):
        worker = Worker(database, app)
        worker.start()
        filling.write_bytes(bytes(7 * MIB))
        with pytest.raises(HubUnusable, match="no room left on the disk of the hub"):
            while True:
                acknowledged.append(hub.start("sequence", ["Oslo", "x" * 20_000]).id)
        filling.unlink()
        assert [wait_for_completion(hub, each, timeout=60).output[0] for each in acknowledged] == [
            "Hello Oslo!"
        ] * len(acknowledged)
        worker.stop()
        assert len(hub.list_page(InstanceFilter(), top=1000).items) == len(acknowledged) > 1
    assert is_sound(mounted / "hub.db")


def test_a_hub_on_a_disk_that_was_remounted_read_only_is_refused_and_left_as_it_is(
    mounted: Path,
) -> None:
    with LocalTaskHub(mounted / "hub.db", create=True) as hub:
        hub.start("approval", instance_id="a")
    before = (mounted / "hub.db").read_bytes()
    assert mount("-o", "remount,ro", mounted) == 0
    with pytest.raises(HubUnusable, match=r"the hub .* is not writable"):
        LocalTaskHub(mounted / "hub.db")
    assert mount("-o", "remount,rw", mounted) == 0
    assert (mounted / "hub.db").read_bytes() == before
    with LocalTaskHub(mounted / "hub.db") as hub:
        assert hub.get_status("a").name == "approval"


FOREIGN = """
import random, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
while True:
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
    connection.execute("ROLLBACK")
    time.sleep(random.random() / 1000)
"""


@contextmanager
def foreign_writer(path: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another program that takes the write lock for so long, again and again, and leaves it for
    moments only.
    """
    command = [sys.executable, "-c", FOREIGN, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_work_goes_on_beside_a_foreign_writer_that_storms_the_lock(
    tmp_path: Path, app: App
) -> None:
    path = tmp_path / "hub.db"
    with LocalTaskHub(path, create=True) as hub, closing(Database(path)) as database:
        worker = Worker(database, app)
        with foreign_writer(path, 0.05):
            worker.start()
            ids = [hub.start("sequence", ["Oslo"]).id for _ in range(5)]
            outputs = [wait_for_completion(hub, each, timeout=60).output for each in ids]
        worker.stop()
    assert outputs == [["Hello Oslo!"]] * 5


def test_a_lock_that_is_held_too_long_is_told_and_loses_nothing(tmp_path: Path, app: App) -> None:
    path, told = tmp_path / "hub.db", SimpleQueue[str]()
    with LocalTaskHub(path, create=True) as hub, closing(Database(path)) as database:
        worker = Worker(database, app, callbacks=WorkerCallbacks(told.put))
        worker.start()
        hub.start("sequence", ["Oslo"], instance_id="s")
        with (
            foreign_writer(path, 1000),
            pytest.raises(
                HubBusy,
                match=r"the hub .* is locked by "
                r"another process",
            ),
        ):
            hub.start("sequence", ["Rome"], instance_id="r")
        assert wait_for_completion(hub, "s", timeout=60).output == ["Hello Oslo!"]
        assert [status.instance_id for status in hub.list_page(InstanceFilter()).items] == ["s"]
        worker.stop()
