"""`durablectl hub` on real files: sound and damaged ones, live ones, and those of an older
version."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.connections import LiveLock
from durablectl.engine.store.database import SCHEMA_VERSION, Database, upgrade
from durablectl.engine.store.leases import WorkerLease
from durablectl.engine.store.work_items import WorkerFilter
from durablectl.model import EntityId
from tests.engine.conftest import sample_app
from tests.engine.dispatching import Dispatching

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def hub(project: Path) -> Path:
    """A hub with one instance that nobody has begun."""
    with LocalTaskHub(project / "hub.db", create=True) as hub:
        hub.start("hello", {"city": "Oslo"}, instance_id="h-1")
    return project / "hub.db"


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@contextmanager
def session_on(path: Path, **about: Any) -> Iterator[WorkerLease]:
    """A worker's presence in a hub, without the worker."""
    database = Database(path)
    session = WorkerLease(database, WorkerFilter(None, ()))
    session.open(about, datetime.now(UTC))
    try:
        yield session
    finally:
        session.abandon()
        database.close()


def test_a_sound_hub_passes_its_check(run, hub):
    code, out, _ = run("hub", "check", "--hub", hub, "-o", "json")
    report = json.loads(out)
    assert (code, report.pop("size") > 0, report.pop("unused")) == (0, True, 0)
    assert report == {
        "sound": True, "problems": [], "version": SCHEMA_VERSION, "instances": 1, "unfinished": 1, "liveWorkers": 0, "deadWorkers": 0,
    }  # fmt: skip


def test_a_check_tells_live_workers_from_dead_ones(run, hub):
    with session_on(hub), session_on(hub) as dead:
        dead.abandon()
        out = run("hub", "check", "--hub", hub).out
    assert "workers    1 live, 1 dead (the next one frees what they held)" in out


def test_a_start_without_an_app_knows_the_orchestrators_of_live_workers(run, hub):
    with session_on(hub, orchestrators=["hello"]), session_on(hub, orchestrators=["bye"]):
        refused = run("start", "helo", "--hub", hub)
        assert (refused.code, "available: bye, hello" in refused.err) == (3, True)
        assert "did you mean 'hello'?" in refused.err
        assert run("start", "HELLO", "--hub", hub).code == 0
    assert run("start", "helo", "--hub", hub).code == 0


def test_the_doctor_counts_what_a_dead_worker_held(run, hub):
    with session_on(hub) as dead:
        change(hub, f"UPDATE instances SET worker = {dead.key}")
        dead.abandon()
    assert (
        "no worker is running on this hub, and something waits for one"
        in run("doctor", "--hub", hub).out
    )


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            "INSERT INTO history VALUES (99, 0, 0, '[]')",
            "rows of the history that belong to no instance: 1",
        ),
        ("DELETE FROM inbox", "pending instances without a message that starts them: 1"),
        (
            "UPDATE instances SET worker = 99",
            "instances of a worker that is not registered: 1",
        ),
        ("UPDATE instances SET status = 12", "instances with a status that is none: 1"),
    ],
    ids=["orphan", "no start", "lost lease", "status"],
)
def test_a_check_names_what_is_wrong_and_fails(run, hub, damage, problem):
    change(hub, damage)
    code, out, err = run("hub", "check", "--hub", hub)
    assert (code, problem in out, problem in err) == (1, True, True)


def test_the_doctor_lists_with_one_command_what_is_stuck(run, hub):
    change(hub, "UPDATE instances SET created_at = 0, updated_at = 0")
    found = json.loads(run("doctor", "--hub", hub, "-o", "json").out)
    (fix,) = [each["mend"] for each in found if each["check"] == "stuck pending"]
    listed = run(*shlex.split(fix)[1:], "-o", "id")
    assert (listed.code, len(listed.out.split())) == (0, 1)


def test_an_instance_that_starts_later_is_sound(run, hub):
    assert run("start", "hello", "--at", "1h", "--hub", hub).code == 0
    assert run("hub", "check", "--hub", hub).code == 0


def test_a_damaged_file_fails_its_check(run, hub):
    with LocalTaskHub(hub) as writer:
        writer.start_many([("hello", "x" * 500, None)] * 500)
    content = bytearray(hub.read_bytes())
    content[8192:40960] = b"\xa5" * (40960 - 8192)
    hub.write_bytes(content)
    code, out, err = run("hub", "check", "--hub", hub)
    assert (code, "damaged file" in out or "malformed" in err) == (1, True)


def test_a_backup_of_a_live_hub_is_a_hub_of_one_moment(run, hub, project):
    stop = threading.Event()

    def keep_starting() -> None:
        with LocalTaskHub(hub) as writer:
            while not stop.is_set():
                writer.start_many([("hello", None, None)] * 10)

    writer = threading.Thread(target=keep_starting)
    writer.start()
    code, out, _ = run("hub", "backup", "copy.db", "--hub", hub)
    stop.set()
    writer.join()
    assert (code, out) == (0, "copy.db\n")
    report = json.loads(run("hub", "check", "--hub", project / "copy.db", "-o", "json").out)
    assert (report["sound"], report["instances"] % 10) == (True, 1)
    assert sorted(path.name for path in project.iterdir() if "copy" in path.name) == ["copy.db"]


def test_a_backup_into_a_folder_keeps_the_name(run, hub, project):
    (project / "copies").mkdir()
    assert run("hub", "backup", "copies", "--hub", hub).code == 0
    assert (project / "copies" / "hub.db").is_file()


def test_a_backup_writes_over_nothing(run, hub, project):
    (project / "precious").write_text("mine")
    code, _, err = run("hub", "backup", "precious", "--hub", hub)
    assert (code, err.splitlines()[0]) == (2, "durablectl: precious exists already")
    assert (project / "precious").read_text() == "mine"


def test_a_backup_to_nowhere_says_so(run, hub):
    code, _, err = run("hub", "backup", "no/such/folder/copy.db", "--hub", hub)
    assert (code, err.splitlines()[0]) == (
        1,
        "durablectl: cannot open the hub no/such/folder/copy.db",
    )


def test_vacuum_gives_back_what_was_purged(run, hub):
    with LocalTaskHub(hub) as writer:
        ids = writer.start_many([("hello", "x" * 1000, None)] * 1000)
        for each in ids:
            writer.terminate(each)
        writer.database.connection().execute("UPDATE instances SET status = 5")
        for each in ids:
            writer.purge(each)
    code, out, err = run("hub", "vacuum", "--hub", hub, "-o", "json")
    sizes = json.loads(out)
    assert (code, sizes["after"] < sizes["before"] / 10) == (0, True), err
    assert run("hub", "check", "--hub", hub).code == 0


@pytest.mark.parametrize(
    "verb", [["check"], ["backup", "x.db"], ["vacuum"]], ids=lambda verb: verb[0]
)
def test_a_hub_that_is_not_there_is_not_made(run, project, verb):
    code, _, err = run("hub", *verb, "--hub", project / "none.db")
    assert (code, err.splitlines()[0]) == (2, "durablectl: there is no local hub none.db yet")
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    "verb", [["check"], ["backup", "x.db"], ["vacuum"]], ids=lambda verb: verb[0]
)
def test_a_remote_hub_is_no_file(run, verb):
    code, _, err = run("hub", *verb, "--hub", "http://127.0.0.1:9")
    assert (code, "is not a file" in err) == (7, True)


@pytest.fixture
def old_hub(project: Path) -> Path:
    """A copy of a hub that the first version has written."""
    return Path(shutil.copy(FIXTURES / "hub-v1.db", project / "hub.db"))


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_file_of_every_version_is_sound_and_comes_to_its_end(run, project, version):
    shutil.copy(FIXTURES / f"hub-v{version}.db", project / "hub.db")
    assert run("hub", "check", "--hub", project / "hub.db").code == 0
    dispatching = Dispatching(project / "hub.db", sample_app())
    dispatcher = dispatching.dispatcher()
    dispatching.advance(3600)
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.resume("suspended")
    dispatching.hub.raise_event("waiting", "Approve", "yes")
    dispatching.process_until_quiet(dispatcher)
    outputs = {
        each: dispatching.hub.get_status(each).output
        for each in ("finished", "waiting", "suspended", "asleep", "half done", "counted")
    }
    assert outputs == {
        "finished": ["Hello Oslo!"], "waiting": "yes", "suspended": 1, "asleep": "woke",
        "half done": ["Hello 0!", "Hello 1!", "Hello 2!"], "counted": 5,
    }  # fmt: skip
    assert dispatching.hub.get_entity(EntityId("counter", "all")) == 5
    dispatching.close()


@pytest.mark.parametrize(
    "args",
    [
        ("status", "waiting"),
        ("status", "-v", "waiting"),
        ("history", "waiting"),
        ("why", "waiting"),
        ("list",),
        ("links", "waiting"),
        ("hub", "check"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_a_command_that_reads_leaves_an_old_file_as_it_is(run, old_hub, args):
    assert run(*args, "--hub", old_hub).code == 0
    assert version_of(old_hub) == 1


def test_the_first_command_that_writes_upgrades_an_old_file(run, old_hub):
    assert run("raise-event", "waiting", "Approve", "--hub", old_hub).code == 0
    assert version_of(old_hub) == SCHEMA_VERSION


def test_a_file_is_not_upgraded_under_a_live_worker_of_its_version(run, old_hub):
    lock = LiveLock(old_hub.with_name("hub.db-worker-old"))
    change(
        old_hub,
        """INSERT INTO workers (lock_file, seen_at, about) VALUES ('hub.db-worker-old', 0, '{"process": 4711}')""",
    )
    code, _, err = run("raise-event", "waiting", "Approve", "--hub", old_hub)
    assert (
        code,
        "its worker (process 4711) is still running\nhint: stop that worker" in err,
        version_of(old_hub),
    ) == (1, True, 1)
    lock.release()
    assert run("raise-event", "waiting", "Approve", "--hub", old_hub).code == 0


def test_each_file_has_a_name_of_its_own(run, old_hub, project):
    run("raise-event", "waiting", "Approve", "--hub", old_hub)
    with LocalTaskHub(project / "one.db", create=True) as one, LocalTaskHub(old_hub) as other:
        assert one.connection != other.connection


def test_an_upgrade_runs_the_steps_that_a_file_lacks_and_no_other(hub):
    steps = (
        "ALTER TABLE instances ADD COLUMN color TEXT;\nCREATE INDEX by_color ON instances (color);",
        "DROP INDEX by_color;",
    )
    with closing(sqlite3.connect(hub, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 1")
        upgrade(connection, steps[:1])
        upgrade(connection, steps)
        upgrade(connection, steps)
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT id, color FROM instances").fetchall() == [("h-1", None)]


def test_an_upgrade_that_fails_changes_nothing(hub):
    with closing(sqlite3.connect(hub, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 1")
        with pytest.raises(sqlite3.OperationalError):
            upgrade(connection, ("DROP TABLE instances;\nDROP TABLE nothing;",))
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT id FROM instances").fetchall() == [("h-1",)]
