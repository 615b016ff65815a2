"""Where activities and entities run: daemon threads that draw from one queue, and one event loop
for `async` ones; no store, no history.

Threads are added only when those that are there make no headway: trivial activities stay on one
thread, blocking ones get more.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from durablectl.engine.registry import Activity, Registry
from durablectl.engine.store.work_items import ActivityItem, EntityBatch
from durablectl.engine.worker.activities import (
    PoolClosed,
    run_activity,
    run_async_activity,
    timed_out_task,
    unknown_activity,
)
from durablectl.engine.worker.app_output import CURRENT_INSTANCE
from durablectl.engine.worker.deadlines import Deadlines
from durablectl.engine.worker.entities import EntityBatchResult, OperationResult, run_batch
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.model import EntityId
from durablectl.polling.threads import start_thread

if TYPE_CHECKING:
    from durablectl.engine.worker.activity_processes import ActivityProcesses

Item = ActivityItem | EntityBatch
Result = tuple[ActivityItem, TaskCompleted | TaskFailed] | tuple[EntityBatch, EntityBatchResult]

AHEAD_SECONDS = 0.02
FEWEST_AHEAD = 4
PROGRESS_SECONDS = 0.002
COMPUTING_SECONDS, BUSY_SHARE = 0.1, 0.3
SWITCH_SECONDS = 0.0001
MOST_ASYNC = 1000


class ActivityPool:
    """Runs activities of `registry`, at most `size` synchronous ones at a time.

    `wake` is called when a result has come in.

    With `processes` synchronous activities run there, as many at a time as there are. An activity
    that takes longer than the registry's `activity_timeout` has failed: an `async` one is
    cancelled, the process of another one is killed, and its thread is left to itself.
    """

    def __init__(
        self,
        registry: Registry,
        size: int,
        wake: Callable[[], None],
        now: Callable[[], datetime],
        *,
        processes: ActivityProcesses | None = None,
    ) -> None:
        if processes is not None:
            size = processes.count
        self._processes = processes
        self._registry, self._size, self._wake, self._now = registry, size, wake, now
        self.accepts_work = True
        """Whether more activities may be leased for this pool."""
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._results: deque[Result] = deque()
        self._threads = 0
        self._deadlines = Deadlines(registry.activity_timeout)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._outstanding = self._outstanding_async = 0
        self._seconds_each = 0.0
        self._last_progress = self._last_added = self._looked_at = time.monotonic()
        self._used, self._is_computing = time.process_time(), False

    @property
    def outstanding(self) -> int:
        """How many activities are queued or running."""
        return self._outstanding + self._outstanding_async

    @property
    def room(self) -> int:
        """How many more activities to lease: twice the threads in use, or what is done in a moment
        when activities are quick.
        """
        if not self.accepts_work:
            return 0
        # Too few leave threads waiting for the next commit, too many leave none to other workers.
        ahead = 2 * self._size
        if self._seconds_each > 0:
            ahead = max(
                min(ahead, 2 * max(self._threads, FEWEST_AHEAD)),
                int(AHEAD_SECONDS / self._seconds_each),
            )
        return max(0, ahead - self._outstanding - max(0, self._outstanding_async - MOST_ASYNC))

    def submit(self, items: Sequence[Item]) -> None:
        coroutines: list[Coroutine[Any, Any, None]] = []
        # a pause in which there was nothing to do is not a lack of progress
        if items and not self.outstanding:
            self._last_progress = time.monotonic()
        for item in items:
            if isinstance(item, ActivityItem) and (activity := self._asynchronous(item)):
                coroutines.append(self._run_async(item, activity))
            else:
                self._outstanding += 1
                self._queue.put(item)
        if coroutines:
            self._outstanding_async += len(coroutines)
            self._event_loop().call_soon_threadsafe(self._start_tasks, coroutines)
        if self._threads < min(self._outstanding, 1):
            self._add_threads(1)

    def take(self) -> list[Result]:
        """The results that have come in since the last call; of what has run for too long, its
        failure.
        """
        for late in self._deadlines.give_up_late():
            seconds = self._deadlines.seconds or 0
            failed = timed_out_task(late.name, late.task_id, seconds, self._now())
            self._results.append((late, failed))
        # as many as there are now: quick activities may add them faster than this takes them
        results = [self._results.popleft() for _ in range(len(self._results))]
        if results:
            now = time.monotonic()
            asynchronous = (
                sum(1 for item, _ in results if self._asynchronous(item))
                if self._outstanding_async
                else 0
            )
            self._outstanding -= len(results) - asynchronous
            self._outstanding_async -= asynchronous
            self._seconds_each = 0.5 * self._seconds_each + 0.5 * (now - self._last_progress) / len(
                results
            )
            self._last_progress = now
        return results

    def scale_up(self) -> None:
        """Add threads when activities wait and those that run make no headway; hardly any when they
        compute, and would take turns only.
        """
        waiting, now = self._queue.qsize(), time.monotonic()
        self._look(now)
        if (
            not waiting
            or self._threads >= self._size
            or self._results
            or now - self._last_progress <= PROGRESS_SECONDS
        ):
            return
        if not self._is_computing:
            self._add_threads(min(waiting, self._size - self._threads, max(1, self._threads)))
            return
        # Activities that compute hold the interpreter for so long each time that the dispatcher
        # needs it, and there may be 32 of them.
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        if min(now - self._last_progress, now - self._last_added) > COMPUTING_SECONDS:
            self._add_threads(1)

    def close(self) -> None:
        """Let idle threads end; those that run user code end with the process."""
        for _ in range(self._threads):
            self._queue.put(None)
        if self._processes is not None:
            self._processes.close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _look(self, now: float) -> None:
        """Notice whether this process keeps a core busy, as far as other processes leave it one.

        What was long ago tells nothing.
        """
        seconds = now - self._looked_at
        if seconds >= PROGRESS_SECONDS:
            used = time.process_time()
            self._is_computing = (
                seconds > COMPUTING_SECONDS or used - self._used > BUSY_SHARE * seconds
            )
            self._looked_at, self._used = now, used

    def _asynchronous(self, item: Item) -> Activity | None:
        """The activity of an item, if it is an `async` one."""
        if not isinstance(item, ActivityItem):
            return None
        activity = self._registry.activities.get(item.name)
        return activity if activity is not None and activity.is_async else None

    def _add_threads(self, count: int) -> None:
        self._last_added = time.monotonic()
        for _ in range(count):
            self._threads += 1
            start_thread(self._work, name=f"activity-{self._threads}")

    def _work(self) -> None:
        get = self._queue.get
        while (item := get()) is not None:
            if isinstance(item, ActivityItem):
                CURRENT_INSTANCE.set(item.instance_id)
                try:
                    result = (
                        self._run(item) if self._processes is not None else self._run_here(item)
                    )
                except PoolClosed:
                    return
                if result is None:
                    return
                self._results.append((item, result))
            else:
                CURRENT_INSTANCE.set(item.entity_id)
                self._results.append((item, self._operate(item)))
            self._wake()

    def _run_here(self, item: ActivityItem) -> TaskCompleted | TaskFailed | None:
        """Run in this thread; None once the activity has been given up, and another thread may take
        the place of this one.
        """
        self._deadlines.begin(item, self._lose_thread)
        result = self._run(item)
        return result if self._deadlines.end(item) else None

    def _lose_thread(self) -> None:
        # Python cannot end it: it is counted out, so that another one may take its place
        self._threads -= 1

    def _run(self, item: ActivityItem) -> TaskCompleted | TaskFailed:
        activity = self._registry.activities.get(item.name)
        if activity is None:
            return unknown_activity(item, self._registry, self._now())
        if self._processes is not None:
            return self._processes.run(item, self._now, self._deadlines.seconds)
        return run_activity(activity, item.task_id, item.input, self._now)

    def _operate(self, batch: EntityBatch) -> EntityBatchResult:
        entity_id = EntityId.parse(batch.entity_id)
        entity = self._registry.entities.get(entity_id.name)
        if entity is None:
            reason = f"no entity function {entity_id.name}"
            failed = OperationResult(f'"{reason}"', "FunctionNotFound", reason)
            return EntityBatchResult(batch.state, [failed] * len(batch.operations))
        return run_batch(entity, entity_id.key, batch.state, batch.operations)

    async def _run_async(self, item: ActivityItem, activity: Activity) -> None:
        CURRENT_INSTANCE.set(item.instance_id)  # of this coroutine's own context
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._deadlines.begin(item, partial(loop.call_soon_threadsafe, task.cancel))
        result = await run_async_activity(activity, item.task_id, item.input, self._now)
        # else it was told as failed already
        if self._deadlines.end(item):
            self._results.append((item, result))
            self._wake()

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            start_thread(_run_loop, self._loop, name="async-activities")
        return self._loop

    def _start_tasks(self, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
        for coroutine in coroutines:
            # the loop holds tasks weakly: without a reference one may be collected while it runs
            task = asyncio.ensure_future(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # what a cancelled activity raises has been asked for: asyncio would log it as lost
            task.exception()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
