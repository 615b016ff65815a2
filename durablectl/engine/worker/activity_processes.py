"""Processes that run synchronous activities, for work that is computing: one call at a time each;
no store, no history.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from queue import SimpleQueue

from durablectl.engine.registry import Registry
from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activities import (
    PoolClosed,
    run_activity,
    timed_out_task,
    unknown_activity,
)
from durablectl.engine.worker.app_output import CURRENT_INSTANCE
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.model import utc_now

Load = Callable[[], Registry]
Listening = Callable[[], AbstractContextManager[object]]


class ActivityProcesses:
    """`count` processes that each load the app by `load`, which must be picklable.

    They end with this process, however it ends.

    `listening`, picklable too, is a context that each process runs in: it hears what the app says
    there.
    """

    def __init__(
        self,
        count: int,
        load: Load,
        listening: Listening = nullcontext,
    ) -> None:
        self.count = count
        self._is_closed = False
        self._children = [_Child(load, listening) for _ in range(count)]
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)

    def run(
        self, item: ActivityItem, now: Callable[[], datetime], seconds: float | None = None
    ) -> TaskCompleted | TaskFailed:
        """Call an activity in an idle process, waiting for one. `PoolClosed` once this is closed.

        A process that ends meanwhile fails it; one that takes longer than `seconds` is killed, and
        fails it, too.
        """
        child = self._idle.get()
        try:
            event = child.call(item, seconds)
        except TimeoutError:
            if self._is_closed:
                raise PoolClosed from None
            child.kill()
            event = timed_out_task(item.name, item.task_id, seconds or 0, now())
            child.start()
        except (EOFError, OSError):
            if self._is_closed:
                raise PoolClosed from None
            reason = (
                f"Activity function '{item.name}' failed:  its process ended ({child.ending()})"
            )
            event = TaskFailed(now(), item.task_id, reason)
            child.start()
        self._idle.put(child)
        return replace(event, timestamp=now())

    def close(self) -> None:
        """End the processes, whatever they run: what was not committed runs again."""
        self._is_closed = True
        for child in self._children:
            child.kill()


class _Child:
    """One process, and the pipe to it."""

    def __init__(self, load: Load, listening: Listening) -> None:
        self._load, self._listening = load, listening
        self.start()

    def start(self) -> None:
        # a fork would copy locks that other threads hold
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(
            target=_serve,
            args=(theirs, self._load, self._listening),
            name="activities",
            daemon=True,
        )
        self._process.start()
        self._has_loaded = False
        theirs.close()

    def call(self, item: ActivityItem, seconds: float | None) -> TaskCompleted | TaskFailed:
        """The outcome; `TimeoutError` after `seconds`, in which loading the app does not count."""
        if not self._has_loaded:
            self._pipe.recv()
            self._has_loaded = True
        self._pipe.send(item)
        if not self._pipe.poll(seconds):
            raise TimeoutError
        event: TaskCompleted | TaskFailed = self._pipe.recv()
        return event

    def ending(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        return signal.strsignal(-code) or f"signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, load: Load, listening: Listening) -> None:
    """What a process does: run what comes through the pipe, until it closes."""
    # meant for the worker, which ends this process when it has stopped
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout = sys.stderr  # the worker's stdout is data
    with listening():
        registry = load()
        pipe.send(None)  # the app is loaded
        while True:
            try:
                item: ActivityItem = pipe.recv()
            except EOFError:
                return
            CURRENT_INSTANCE.set(item.instance_id)
            activity = registry.activities.get(item.name)
            if activity is None:
                pipe.send(unknown_activity(item, registry, utc_now()))
            else:
                pipe.send(run_activity(activity, item.task_id, item.input, utc_now))
