"""Activities and entities one after the other in the test's own thread: tests come out the same
every time, and a debugger works.
"""

from __future__ import annotations

import asyncio
from bdb import BdbQuit
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from durablectl.engine.registry import Activity, Registry
from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.activities import run_activity, run_async_activity
from durablectl.engine.worker.activity_pool import ActivityPool, Item
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.payload import loads

ROOM = 1_000_000
Result = TypeVar("Result")


class InlinePool(ActivityPool):
    """A pool without threads: `run_waiting` runs what was submitted.

    `on_call` hears of every activity's name and input.

    Ctrl-C, a debugger that is left, and pytest's own `fail` and `skip` go through to the test.
    """

    def __init__(
        self, registry: Registry, now: Callable[[], datetime], on_call: Callable[[str, Any], None]
    ) -> None:
        super().__init__(registry, 1, lambda: None, now)
        self._on_call = on_call
        self._waiting: list[Item] = []
        self._runner: asyncio.Runner | None = None
        self._interruption: BaseException | None = None

    @property
    def outstanding(self) -> int:
        return len(self._waiting) + len(self._results)

    @property
    def room(self) -> int:
        return ROOM

    def submit(self, items: Sequence[Item]) -> None:
        self._waiting.extend(items)

    def run_waiting(self) -> None:
        """Run all that was submitted: `async` activities together, the others one by one; the
        results are in the order of the calls.
        """
        items, self._waiting = self._waiting, []
        calls = {
            number: self._run_later(item)
            for number, item in enumerate(items)
            if self._asynchronous(item)
        }
        answers = dict(zip(calls, self._await(list(calls.values())), strict=True)) if calls else {}
        for number, item in enumerate(items):
            if number in answers:
                self._results.append((item, answers[number]))  # type: ignore[arg-type]
            elif isinstance(item, ActivityItem):
                self._results.append((item, self._run(item)))
            else:
                self._results.append((item, self._operate(item)))
            self._let_through()

    def take(self) -> list[Any]:
        results = list(self._results)
        self._results.clear()
        return results

    def close(self) -> None:
        if self._runner is not None:
            _outside_of_loops(self._runner.close)
            self._runner = None

    def _run(self, item: ActivityItem) -> TaskCompleted | TaskFailed:
        activity = self._called(item)
        if activity is None:
            return super()._run(item)
        return run_activity(activity, item.task_id, item.input, self._now)

    def _run_later(self, item: Item) -> Coroutine[Any, Any, TaskCompleted | TaskFailed]:
        assert isinstance(item, ActivityItem)
        activity = self._called(item)
        assert activity is not None
        return run_async_activity(activity, item.task_id, item.input, self._now)

    def _await(
        self, coroutines: Sequence[Coroutine[Any, Any, TaskCompleted | TaskFailed]]
    ) -> list[TaskCompleted | TaskFailed]:
        async def together() -> list[TaskCompleted | TaskFailed]:
            return await asyncio.gather(*coroutines)

        runner = self._runner = self._runner or asyncio.Runner()
        return _outside_of_loops(lambda: runner.run(together()))

    def _guarded(self, activity: Activity) -> Activity:
        function = activity.function

        def call(**arguments: Any) -> Any:
            with self._noticing():
                return function(**arguments)

        async def call_async(**arguments: Any) -> Any:
            with self._noticing():
                return await function(**arguments)

        return replace(activity, function=call_async if activity.is_async else call)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | BdbQuit) or any(
                kind.__module__ == "_pytest.outcomes" for kind in type(error).__mro__
            ):
                self._interruption = self._interruption or error
            raise

    def _let_through(self) -> None:
        interruption, self._interruption = self._interruption, None
        if interruption is not None:
            raise interruption

    def _called(self, item: ActivityItem) -> Activity | None:
        """The activity of a call, with an eye on what it raises; tells of the call."""
        activity = self._registry.activities.get(item.name)
        try:
            value = None if item.input is None else loads(item.input)
        except Exception:  # user code: from_json; the call itself fails with it
            value = item.input
        self._on_call(item.name if activity is None else activity.name, value)
        return None if activity is None else self._guarded(activity)


def _outside_of_loops(action: Callable[[], Result]) -> Result:
    """Run `action` here, or in a thread of its own where an event loop runs already: in a test that
    is `async`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return action()
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(action).result()
