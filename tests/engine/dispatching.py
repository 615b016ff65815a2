"""A hub whose dispatchers a test drives step by step: a real file, real threads, a clock to set."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Activity, Entity, Orchestrator, Registry
from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Database
from durablectl.engine.worker.activity_pool import ActivityPool
from durablectl.engine.worker.app_output import CURRENT_INSTANCE
from durablectl.engine.worker.dispatcher import Dispatcher
from durablectl.history.events import Event
from durablectl.model import InstanceStatus, RuntimeStatus

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class App(Registry):
    """A registry that is filled with plain functions, under their own names."""

    def orchestrator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.orchestrators.add(Orchestrator(function.__name__, function))
        return function

    def activity(self, function: Callable[..., Any]) -> Callable[..., Any]:
        parameter, *_ = function.__code__.co_varnames
        self.activities.add(
            Activity(
                function.__name__,
                function,
                parameter,
                is_async=function.__code__.co_flags & 0x80 != 0,
            )
        )
        return function

    def entity(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.entities.add(Entity(function.__name__, function))
        return function


class Dispatching:
    """One hub file, any number of dispatchers on it, and one clock."""

    def __init__(self, path: Path, app: App) -> None:
        self.app, self.now = app, T0
        self.ticks = 0.0  # seconds that really passed, whatever the clock says
        self.path = path
        self.hub = LocalTaskHub(path, create=True, now=lambda: self.now)
        self._notifier = threading.Semaphore(0)
        self._closers: list[Callable[[], None]] = [self.hub.close]

    def dispatcher(self, **options: Any) -> Dispatcher:
        pool = options.pop("pool", None) or ActivityPool(self.app, 4, self.notify, lambda: self.now)
        dispatcher = Dispatcher(
            database := Database(self.path), self.app, pool, ticks=lambda: self.ticks, **options
        )
        dispatcher.open(self.now, {})
        self._closers += [dispatcher.lease.abandon, pool.close, database.close]
        return dispatcher

    def notify(self) -> None:
        """Let `process_until_quiet` look at once: an activity has ended."""
        self._notifier.release()

    def patrol(self, dispatcher: Dispatcher) -> bool:
        """Let `dispatcher` look for dead and stalled workers; whether it found one."""
        found = dispatcher.lease.free_dead_workers(self.now)
        if found:
            dispatcher.fetch_again()
        return found

    def process_until_quiet(self, *dispatchers: Dispatcher) -> None:
        """Process until no dispatcher has anything to do and no activity runs."""
        while True:
            turned = [dispatcher.process_next(self.now) for dispatcher in dispatchers]
            if any(turned):
                continue
            if not any(dispatcher.is_working for dispatcher in dispatchers):
                return
            for dispatcher in dispatchers:
                dispatcher.scale_up()
            self._notifier.acquire(timeout=0.01)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds

    def run(
        self, dispatcher: Dispatcher, orchestrator: str, input: Any = None, **options: Any
    ) -> InstanceStatus:
        """Start an instance and process until quiet; its status."""
        instance_id = self.hub.start(orchestrator, input, **options).id
        self.process_until_quiet(dispatcher)
        return self.hub.get_status(instance_id)

    def state(self, instance_id: str) -> RuntimeStatus:
        return self.hub.get_status(instance_id).runtime_status

    def events(self, instance_id: str) -> list[Event]:
        """The complete events of the current execution."""
        return Store(self.hub.database).history(instance_id)

    def kinds(self, instance_id: str) -> list[str]:
        return [type(event).__name__ for event in self.events(instance_id)]

    def close(self) -> None:
        for close in reversed(self._closers):
            close()
        CURRENT_INSTANCE.set(None)  # the dispatchers ran in the test's own thread
