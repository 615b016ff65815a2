"""A crash at any commit loses nothing that was acknowledged: by fault injection at every boundary,
and with processes that are killed.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.errors import EntityNotFound
from durablectl.model import EntityId
from durablectl.polling.loop import wait_for_completion
from tests.engine.crashing import crash
from tests.engine.dispatching import App, Dispatching


def shape(hub: LocalTaskHub, instance_id: str) -> Counter[str]:
    """An instance's history without its times, in any order of what ran side by side."""
    status = hub.get_status(instance_id, show_history=True, show_history_output=True)
    times = ("Timestamp", "ScheduledTime", "FireAt", "InstanceId", "Details")
    told = (
        {name: value for name, value in event.members.items() if name not in times}
        for event in status.history or ()
    )
    return Counter(
        re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", str(members))
        for members in told
    )


def begin(dispatching: Dispatching) -> list[str]:
    """One of everything, started and acknowledged."""
    hub = dispatching.hub
    hub.start("sequence", ["Oslo", "Rome"], instance_id="sequence")
    hub.start("fan_out", 5, instance_id="fan_out")
    hub.start("parent", ["sequence", ["Bern"], "kid"], instance_id="parent")
    hub.start("ticks", [], instance_id="ticks")
    hub.start("counted", "k", instance_id="counted")
    hub.start("failing", instance_id="failing")
    for number in (1, 2, 3):
        hub.raise_event("ticks", "Tick", number)
    return ["sequence", "fan_out", "parent", "kid", "ticks", "counted", "failing"]


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_commit_loses_nothing_and_repeats_no_effect(
    tmp_path: Path, app: App, is_after: bool
) -> None:
    calm = Dispatching(tmp_path / "calm.db", app)
    ids = begin(calm)
    calm.process_until_quiet(calm.dispatcher())
    expected = [shape(calm.hub, each) for each in ids]
    calm.close()
    for at in range(1, 100):
        dispatching = Dispatching(tmp_path / f"{at}.db", app)
        begin(dispatching)
        has_crashed = crash(dispatching, at, is_after)
        dispatching.process_until_quiet(dispatching.dispatcher())
        assert [shape(dispatching.hub, each) for each in ids] == expected, f"crash at commit {at}"
        dispatching.close()
        if not has_crashed:
            return
    pytest.fail("the work never fitted into 100 commits")


APP = """
import os
from datetime import timedelta
from durablectl import df

app = df.DFApp()

@app.activity_trigger(input_name="text")
def note(text):
    fd = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)
    return text

@app.orchestration_trigger(context_name="context")
def work(context):
    name = context.get_input()
    first = yield context.call_activity("note", name + ":first")
    many = yield context.task_all([context.call_activity("note", f"{name}:{n}") for n in range(5)])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    child = yield context.call_sub_orchestrator("child", name, f"{name}:child")
    context.signal_entity(df.EntityId("counter", "all"), "add", 1)
    return [first, len(many), child]

@app.orchestration_trigger(context_name="context")
def child(context):
    return (yield context.call_activity("note", context.get_input() + ":child"))

@app.entity_trigger(context_name="context")
def counter(context):
    context.set_state(context.get_state(lambda: 0) + context.get_input())
"""


def test_workers_that_are_killed_again_and_again_lose_nothing(tmp_path: Path, kills: int) -> None:
    (tmp_path / "function_app.py").write_text(APP)
    path, notes = tmp_path / "hub.db", tmp_path / "notes"
    rng = random.Random(4711)
    hub = LocalTaskHub(path, create=True)
    ids = []
    for number in range(kills):
        ids += hub.start_many(
            [("work", f"w{number}.{each}", f"w{number}.{each}") for each in range(3)]
        )
        worker = start_worker(tmp_path, notes)
        wait_for_growth(notes, rng.randrange(1, 12), worker)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    worker = start_worker(tmp_path, notes)
    for each in ids:
        status = wait_for_completion(hub, each, timeout=60)
        assert status.output == [f"{each}:first", 5, f"{each}:child"]
    assert settled_state(hub, len(ids)) == len(ids)
    stop(worker)
    written = Counter(notes.read_text().split())
    assert set(written) == {
        f"{each}:{step}" for each in ids for step in ("first", "child", *range(5))
    }
    hub.close()


def test_what_was_committed_as_done_is_not_done_again_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP)
    notes = tmp_path / "notes"
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        hub.start("work", "w", instance_id="w")
        worker = start_worker(tmp_path, notes)
        while not any(
            event.event_type == "TaskCompleted"
            for event in hub.get_status("w", show_history=True).history or ()
        ):
            hub.pause(0.05)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker = start_worker(tmp_path, notes)
        wait_for_completion(hub, "w", timeout=60)
        stop(worker)
    assert Counter(notes.read_text().split())["w:first"] == 1


def start_worker(folder: Path, notes: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "worker",
        "--hub",
        str(folder / "hub.db"),
        "--app",
        str(folder),
    ]
    return subprocess.Popen(
        command,
        env=os.environ | {"NOTES": str(notes)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_growth(notes: Path, lines: int, worker: subprocess.Popen[bytes]) -> None:
    """Wait until the activities have written some lines more, or there is nothing left to write."""
    before, deadline = size(notes), time.monotonic() + 5
    while (
        size(notes) - before < lines * 8 and time.monotonic() < deadline and worker.poll() is None
    ):
        os.sched_yield()


def size(notes: Path) -> int:
    return notes.stat().st_size if notes.exists() else 0


def stop(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0


def settled_state(hub: LocalTaskHub, expected: int) -> Any:
    """The counter's state once its signals have been worked off; one signal too many would show as
    well.
    """
    deadline = time.monotonic() + 30
    while (state := counted(hub)) != expected and time.monotonic() < deadline:
        hub.pause(0.05)
    return state


def counted(hub: LocalTaskHub) -> Any:
    """The counter's state now; None before its first operation."""
    try:
        return hub.get_entity(EntityId("counter", "all"))
    except EntityNotFound:
        return None
