"""functionTimeout: activities that take longer fail; async ones are cancelled, processes killed,
threads left to themselves.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest

from durablectl.df import RetryOptions
from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activities import timed_out_task
from durablectl.engine.worker.activity_pool import ActivityPool, Result
from durablectl.engine.worker.activity_processes import ActivityProcesses
from durablectl.engine.worker.deadlines import Deadlines
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.library.apps import load_registry
from durablectl.model import RuntimeStatus
from tests.engine.dispatching import App

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 0.3
BELL = threading.Semaphore(0)


def item(name: str, number: int = 0) -> ActivityItem:
    return ActivityItem(1, "execution", number, name, "1", 1)


def results_of(pool: ActivityPool, count: int) -> list[Result]:
    """Tend the pool as a worker does until so many results have come in."""
    results: list[Result] = []
    while len(results) < count:
        BELL.acquire(timeout=0.01)
        results += pool.take()
        pool.scale_up()
    return results


@pytest.fixture
def app():
    app = App()
    app.activity_timeout = SECONDS
    return app


@pytest.fixture
def pool(app):
    pool = ActivityPool(app, 1, BELL.release, lambda: NOW)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (300, "00:05:00"),
        (0.25, "00:00:00.2500000"),
        (3661, "01:01:01"),
        (90061.5, "1.01:01:01.5000000"),
    ],
)
def test_the_failure_is_told_in_the_words_of_the_host(seconds, text):
    failed = timed_out_task("slow", 3, seconds, NOW)
    said = f"Timeout value of {text} was exceeded by function: Functions.slow"
    assert failed.reason == f"Activity function 'slow' failed: {said}"
    assert f'"Message":"{said}"' in failed.details


def test_an_async_activity_is_cancelled(app, pool):
    ended = threading.Event()

    @app.activity
    async def slow(_n):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    pool.submit([item("slow")])
    assert results_of(pool, 1) == [(item("slow"), timed_out_task("slow", 0, SECONDS, NOW))]
    assert ended.wait(10)
    assert (pool.outstanding, pool.take()) == (0, [])


def test_an_async_activity_that_goes_on_is_not_heard(app, pool):
    @app.activity
    async def stubborn(_n):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "late"

    @app.activity
    async def quick(n):
        return n

    pool.submit([item("stubborn")])
    assert isinstance(results_of(pool, 1)[0][1], TaskFailed)
    pool.submit([item("quick", 1)])
    assert results_of(pool, 1) == [(item("quick", 1), TaskCompleted(NOW, 1, "1"))]
    assert (pool.outstanding, pool.take()) == (0, [])


def test_a_thread_is_left_to_itself_and_another_one_takes_its_place(app, pool):
    released, ended = threading.Event(), threading.Event()

    @app.activity
    def slow(_n):
        released.wait()
        ended.set()
        return "late"

    @app.activity
    def quick(n):
        return n

    pool.submit([item("slow"), item("quick", 1)])
    first, second = results_of(pool, 2)
    assert first == (item("slow"), timed_out_task("slow", 0, SECONDS, NOW))
    assert second == (item("quick", 1), TaskCompleted(NOW, 1, "1"))
    released.set()
    assert ended.wait(10)
    pool.submit([item("quick", 2)])
    assert results_of(pool, 1) == [(item("quick", 2), TaskCompleted(NOW, 2, "1"))]
    assert pool.outstanding == 0


def test_what_ends_in_time_is_heard_whatever_else_is_late(app):
    never = threading.Event()

    @app.activity
    def slow(_n):
        never.wait()

    @app.activity
    def quick(n):
        return n

    pool = ActivityPool(app, 4, BELL.release, lambda: NOW)
    pool.submit([item("slow"), *(item("quick", n) for n in range(1, 50)), item("slow", 50)])
    outcomes = {each.task_id: type(outcome) for each, outcome in results_of(pool, 51)}
    assert outcomes == {n: TaskFailed if n in (0, 50) else TaskCompleted for n in range(51)}
    never.set()
    pool.close()


def test_a_process_is_killed_and_another_one_takes_its_place(tmp_path):
    (tmp_path / "function_app.py").write_text(
        "import time\nfrom durablectl import df\napp = df.DFApp()\n"
        "@app.activity_trigger(input_name='n')\ndef slow(n):\n    time.sleep(600)\n"
        "@app.activity_trigger(input_name='n')\ndef quick(n):\n    return n\n"
    )
    processes = ActivityProcesses(1, partial(load_registry, tmp_path))
    assert processes.run(item("slow"), lambda: NOW, SECONDS) == timed_out_task(
        "slow", 0, SECONDS, NOW
    )
    assert processes.run(item("quick"), lambda: NOW, 60) == TaskCompleted(NOW, 0, "1")
    processes.close()


def test_32_a_late_activity_is_tried_again(dispatching):
    dispatching.app.activity_timeout = SECONDS
    never, attempts = threading.Event(), []

    @dispatching.app.activity
    def slow(n):
        attempts.append(n)
        return never.wait() if len(attempts) == 1 else "in time"

    @dispatching.app.orchestrator
    def tries(context):
        return (yield context.call_activity_with_retry("slow", RetryOptions(1, 2), 1))

    @dispatching.app.orchestrator
    def once(context):
        return (yield context.call_activity("slow", 1))

    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("tries", instance_id="t")
    dispatching.process_until_quiet(dispatcher)
    dispatching.advance(1)
    dispatching.process_until_quiet(dispatcher)
    assert (dispatching.hub.get_status("t").output, attempts) == ("in time", [1, 1])
    attempts.clear()
    dispatching.hub.start("once", instance_id="o")
    dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status("o")
    assert status.runtime_status is RuntimeStatus.FAILED
    assert (
        "Activity function 'slow' failed: Timeout value of 00:00:00.3000000 was exceeded by "
        "function: Functions.slow"
    ) in status.output
    never.set()


def test_without_a_timeout_nothing_is_given_up():
    deadlines = Deadlines(None)
    deadlines.begin(one := item("slow"), pytest.fail)
    assert (deadlines.give_up_late(), deadlines.end(one)) == ([], True)
