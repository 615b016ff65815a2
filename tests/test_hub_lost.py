"""A hub file that is deleted, moved or replaced under those who have it open is noticed: nothing is
acknowledged that is not there.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.errors import HubLost
from tests.server.serving import serving

APP = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def hello(context):
    return "hello"

@app.orchestration_trigger(context_name="context")
def waits(context):
    yield context.wait_for_external_event("Go")
"""
LOST = (
    "was deleted, moved or replaced while it was in use; what was written since then is not in it"
)


def deleted(hub: Path) -> None:
    for each in hub.parent.glob(f"{hub.name}*"):
        each.unlink(missing_ok=True)  # its users remove files, too


def replaced(hub: Path) -> None:
    """Another hub takes its place."""
    other = hub.with_name("other.db")
    LocalTaskHub(other, create=True).close()
    other.replace(hub)


def without_log(hub: Path) -> None:
    hub.with_name(f"{hub.name}-wal").unlink()


def moved(hub: Path) -> None:
    hub.parent.rename(hub.parent.with_name("away"))


WAYS = [deleted, replaced, without_log, moved]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub with an app beside it, in a folder of its own."""
    (tmp_path / "function_app.py").write_text(APP)
    path = tmp_path / "folder" / "hub.db"
    with LocalTaskHub(path, create=True) as hub:
        hub.start("waits", instance_id="old")
    return path


@contextmanager
def running(hub: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    app = hub.parent.parent / "function_app.py"
    line = [sys.executable, "-m", "durablectl", *command, "--hub", str(hub), "--app", str(app)]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        late = threading.Timer(60, process.kill)
        late.start()
        try:
            yield process
        finally:
            late.cancel()
            process.kill()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_worked_on(hub: Path) -> Callable[[], bool]:
    def look() -> bool:
        with closing(Database(hub)) as database:
            return database.one("SELECT count(*) FROM workers") == (1,)

    return look


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_ends_with_a_line_when_its_hub_is_lost(hub, way):
    with running(hub, "worker") as worker:
        until(is_worked_on(hub))
        way(hub)
        said = worker.stderr.read().splitlines()
    assert worker.returncode == 1
    assert [LOST in line for line in said[-2:]] == [True, False]
    assert said[-1].startswith("hint: ")


@pytest.mark.parametrize("way", WAYS)
def test_serve_ends_with_a_line_when_its_hub_is_lost(tmp_path, hub, way):
    with serving(tmp_path, "--hub", str(hub)) as served:
        until(is_worked_on(hub))
        way(hub)
        assert served.process.wait(30) == 1
    assert LOST in served.errors
    assert "nothing is lost" not in served.errors


@pytest.mark.parametrize("way", WAYS)
def test_serve_acknowledges_no_start_in_a_hub_that_is_lost(tmp_path, hub, way):
    with serving(tmp_path, "--hub", str(hub)) as served:
        way(hub)
        with suppress(OSError):  # it has ended already
            status, body = served.ask("POST", "orchestrators/hello")
            assert (status, LOST in body["ExceptionMessage"]) == (500, True)
        assert served.stop() == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_command_that_works_while_it_waits_ends_when_its_hub_is_lost(hub, way):
    with running(hub, "wait", "old") as command:
        until(is_worked_on(hub))
        way(hub)
        said = command.stderr.read()
    assert (command.returncode, LOST in said) == (1, True)


@pytest.mark.parametrize("way", WAYS)
def test_a_command_that_waits_for_anothers_work_ends_when_the_hub_is_lost(hub, way):
    with running(hub, "worker") as worker:
        until(is_worked_on(hub))
        with running(hub, "wait", "old") as command:
            assert command.stderr.readline()
            way(hub)
            said = command.stderr.read()
        worker.wait()
    assert (command.returncode, LOST in said) == (1, True)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_acknowledged_in_a_hub_that_is_lost(hub, way):
    with LocalTaskHub(hub) as local:
        local.start("hello")
        way(hub)
        for change in (
            lambda: local.start("hello"),
            lambda: local.raise_event("old", "Go"),
            lambda: local.purge("old"),
        ):
            with pytest.raises(HubLost, match="deleted, moved or replaced"):
                change()


@pytest.mark.parametrize("way", WAYS)
def test_an_error_of_a_hub_that_is_lost_says_that_it_is_lost(hub, way):
    with LocalTaskHub(hub) as local:
        local.start("hello")
        with pytest.raises(HubLost), local.database.transaction() as sql:
            way(hub)
            sql.execute("SELECT nothing")
        with pytest.raises(HubLost):
            local.database.one("SELECT nothing")


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_does_not_begin_anew_on_a_hub_that_is_lost(hub, way):
    with LocalTaskHub(hub) as local:
        local.start("hello")
        way(hub)
        with pytest.raises(HubLost):
            Worker(local.database, Registry()).start()


def test_no_file_is_made_in_the_place_of_one_that_was_deleted(hub):
    with LocalTaskHub(hub) as local:
        deleted(hub)
        with ThreadPoolExecutor(1) as thread, pytest.raises(HubLost):
            thread.submit(local.get_status, "old").result()
    assert not hub.exists()


def test_a_hub_that_threads_use_one_after_the_other_is_the_same_hub(tmp_path):
    """The last connection that is closed removes the log, and the next one makes another."""
    hubs: list[LocalTaskHub] = []

    def use() -> None:
        hubs[:] = hubs or [LocalTaskHub(tmp_path / "hub.db", create=True)]
        hubs[0].start("hello")

    for _ in range(4):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        with LocalTaskHub(tmp_path / "hub.db") as other:
            other.start("hello")
    assert hubs[0].counts() == {"Pending": 8}
    hubs[0].close()


def test_a_hub_is_the_same_from_another_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with LocalTaskHub("hub.db", create=True) as hub:
        monkeypatch.chdir("/")
        hub.start("hello")
