"""Where activities run: as many threads as they need, and no more leased than they can take."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activity_pool import ActivityPool, Result
from tests.engine.dispatching import App

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def items(name: str, count: int) -> list[ActivityItem]:
    return [ActivityItem(1, "execution", number, name, "1", 1) for number in range(count)]


def finish(pool: ActivityPool, notifier: threading.Semaphore, count: int) -> list[Result]:
    """Tend the pool until so many results have come in."""
    results: list[Result] = []
    while len(results) < count:
        notifier.acquire(timeout=0.001)
        results += pool.take()
        pool.scale_up()
    return results


def test_activities_that_wait_for_each_other_get_a_thread_each() -> None:
    together, notifier, app = threading.Barrier(6), threading.Semaphore(0), App()

    @app.activity
    def meet(_n: int) -> bool:
        return together.wait(30) >= 0

    pool = ActivityPool(app, 6, notifier.release, lambda: NOW)
    pool.submit(items("meet", 6))
    assert len(finish(pool, notifier, 6)) == 6
    pool.close()


def test_one_that_blocks_for_ever_parks_nobody() -> None:
    never, notifier, app = threading.Event(), threading.Semaphore(0), App()

    @app.activity
    def block(_n: int) -> None:
        never.wait()

    @app.activity
    def quick(n: int) -> int:
        return n

    pool = ActivityPool(app, 4, notifier.release, lambda: NOW)
    pool.submit([*items("block", 1), *items("quick", 20)])
    assert len(finish(pool, notifier, 20)) == 20
    assert pool.outstanding == 1
    never.set()
    pool.close()


def test_no_more_is_leased_than_twice_the_slots_before_anything_is_known() -> None:
    never, app = threading.Event(), App()

    @app.activity
    def block(_n: int) -> None:
        never.wait()

    pool = ActivityPool(app, 4, lambda: None, lambda: NOW)
    assert pool.room == 8
    pool.submit(items("block", 8))
    assert pool.room == 0
    never.set()
    pool.close()
