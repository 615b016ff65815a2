"""What stands in for the outside of a simulated world: a disk that fails, a process that dies,
threads that take their time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random

from durablectl.engine.registry import Registry, unknown_function
from durablectl.engine.store.database import Connection, Database
from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activities import run_activity
from durablectl.engine.worker.activity_pool import Item, Result
from durablectl.engine.worker.entities import run_batch
from durablectl.errors import HubBusy, HubUnusable
from durablectl.history.events import TaskFailed
from durablectl.model import EntityId

FAULTS = ("crash before", "crash after", "busy", "full")


class Crash(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


class FaultyDatabase(Database):
    """A hub file whose next transaction meets `fault`."""

    def __init__(self, path: Path) -> None:
        self.fault: str | None = None
        super().__init__(path, durable=False)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        fault, self.fault = self.fault, None
        if fault == "busy":
            raise HubBusy("locked by the simulation")
        with super().transaction() as connection:
            yield connection
            if fault == "crash before":
                raise Crash
            if fault == "full":
                raise HubUnusable("no room left on the disk of the simulation")
        if fault == "crash after":
            raise Crash


class HandPool:
    """An activity pool whose items run when the scheduler says so, in any order.

    `on_submit` sees what a commit has dispatched.
    """

    def __init__(
        self,
        registry: Registry,
        now: Callable[[], datetime],
        rng: Random,
        on_submit: Callable[[Sequence[Item]], None],
    ) -> None:
        self._registry, self._now, self._rng, self._on_submit = registry, now, rng, on_submit
        self._queue: list[Item] = []
        self._results: list[Result] = []
        self._size = rng.choice([1, 4, 100])

    @property
    def outstanding(self) -> int:
        return len(self._queue) + len(self._results)

    @property
    def room(self) -> int:
        return max(0, self._size - self.outstanding)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def submit(self, items: Sequence[Item]) -> None:
        self._on_submit(items)
        self._queue.extend(items)

    def take(self) -> list[Result]:
        count = (
            len(self._results)
            if self._rng.random() < 0.8
            else self._rng.randint(0, len(self._results))
        )
        taken, self._results = self._results[:count], self._results[count:]
        return taken

    def finish_one(self) -> str:
        """Run an item that waits; what it was."""
        item = self._queue.pop(self._rng.randrange(len(self._queue)))
        if isinstance(item, ActivityItem):
            activity = self._registry.activities.get(item.name)
            if activity is None:
                self._results.append(
                    (
                        item,
                        TaskFailed(
                            self._now(), item.task_id, unknown_function(item.name, "activity", ())
                        ),
                    )
                )
            else:
                self._results.append(
                    (item, run_activity(activity, item.task_id, item.input, self._now))
                )
            return f"{item.name} {item.task_id} of {item.instance}"
        entity_id = EntityId.parse(item.entity_id)
        entity = self._registry.entities.get(entity_id.name)
        assert entity is not None
        self._results.append((item, run_batch(entity, entity_id.key, item.state, item.operations)))
        return f"{len(item.operations)} operations of {item.entity_id}"

    def tend(self) -> None:
        """Nothing to tend: there are no threads."""
