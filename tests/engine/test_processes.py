"""Activities in processes of their own: what they return, how they fail, and that none outlives its
worker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activities import PoolClosed
from durablectl.engine.worker.activity_processes import ActivityProcesses
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.library.apps import load_registry

APP = """
import os
from durablectl import df

app = df.DFApp()

@app.activity_trigger(input_name="n")
def process(n):
    print("never on stdout")
    return os.getpid()

@app.activity_trigger(input_name="why")
def fail(why):
    raise ValueError(why)

@app.activity_trigger(input_name="code")
def die(code):
    os._exit(code)

@app.orchestration_trigger(context_name="context")
def many(context):
    return (yield context.task_all([context.call_activity("process", n) for n in range(context.get_input())]))
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ActivityProcesses]:
    (tmp_path / "function_app.py").write_text(APP)
    processes = ActivityProcesses(1, partial(load_registry, tmp_path))
    yield processes
    processes.close()


def call(
    processes: ActivityProcesses, name: str, input: str | None = None
) -> TaskCompleted | TaskFailed:
    return processes.run(ActivityItem(1, "execution", 7, name, input, 1), lambda: NOW)


def test_an_activity_runs_in_another_process(processes: ActivityProcesses) -> None:
    done = call(processes, "process")
    assert isinstance(done, TaskCompleted)
    assert done.task_id == 7
    assert int(done.result or 0) != os.getpid()
    assert done == call(processes, "process")


def test_an_exception_in_a_process_fails_the_activity_as_elsewhere(
    processes: ActivityProcesses,
) -> None:
    failed = call(processes, "fail", '"no luck"')
    assert isinstance(failed, TaskFailed)
    assert failed.reason == "Activity function 'fail' failed:  ValueError: no luck"


def test_an_activity_that_ends_its_process_fails_and_the_next_one_runs(
    processes: ActivityProcesses,
) -> None:
    failed = call(processes, "die", "3")
    assert failed == TaskFailed(
        NOW, 7, "Activity function 'die' failed:  its process ended (exit code 3)"
    )
    assert isinstance(call(processes, "process"), TaskCompleted)


def test_an_activity_that_is_not_there_fails_with_the_known_ones(
    processes: ActivityProcesses,
) -> None:
    failed = call(processes, "nothing")
    assert isinstance(failed, TaskFailed)
    assert failed.reason.startswith(
        "The function 'nothing' doesn't exist, is disabled, or is not an activity function."
    )


def test_no_process_outlives_its_worker(processes: ActivityProcesses) -> None:
    done = call(processes, "process")
    assert isinstance(done, TaskCompleted)
    processes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.result or 0), 0)
    with pytest.raises(PoolClosed):
        call(processes, "process")
