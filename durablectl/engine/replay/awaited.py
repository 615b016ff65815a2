"""What an orchestrator waits for, read from its tasks after a replay, and where in the code each
task was made; no clock, no I/O, no store.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from durablectl.engine.replay import context
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.engine.replay.places import shown_position
from durablectl.engine.replay.retry import RetryableTask
from durablectl.engine.replay.tasks import CompoundTask, EventTask, Task, TimerTask, WhenAnyTask

_PACKAGE = str(Path(__file__).parent.parent.parent)


@dataclass(frozen=True, slots=True)
class AwaitedTask:
    """One task that has no answer yet.

    `task_id` is the number of its decision, None for an external event, whose `event` is its name.
    A call with retries has its `attempt` and the maximum; while it waits for its next one,
    `called` is the number of the call that failed.
    """

    task_id: int | None
    event: str = ""
    place: str = ""
    attempt: int = 1
    attempts: int | None = None
    called: int | None = None


class TaskPlaces:
    """Remembers, while it is entered, where this thread's app code makes each task.

    It watches the calls of the thread: only a replay that is for people to read pays for it.
    """

    def __init__(self) -> None:
        self._places: dict[int, tuple[Task, str]] = {}  # the task too: its id is not used again

    def __enter__(self) -> TaskPlaces:
        sys.setprofile(self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def of(self, task: Task) -> str:
        """The place as `function_app.py:41`; "" when it is not known."""
        return self._places.get(id(task), (task, ""))[1]

    def _watch(self, frame: FrameType, event: str, made: Any) -> None:
        # the first return of it: an outer method of the context returns the same task again
        if (
            event == "return"
            and isinstance(made, Task)
            and frame.f_code.co_filename == context.__file__
            and id(made) not in self._places
        ):
            self._places[id(made)] = made, _place(frame)


def _place(frame: FrameType | None) -> str:
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return "" if frame is None else shown_position((frame.f_code.co_filename, frame.f_lineno))


def awaited_by(executor: OrchestratorExecutor, places: TaskPlaces) -> tuple[AwaitedTask, ...]:
    """What the orchestrator waits for now, in the order of its code; nothing when it has ended."""
    return tuple(_parts(executor.function.current, places, executor.where()))


def waits_for_any(executor: OrchestratorExecutor) -> bool:
    """Whether the first of several tasks lets it continue."""
    task = executor.function.current
    return isinstance(task, WhenAnyTask) and len(task.children) > 1


def _parts(task: Task, places: TaskPlaces, here: str) -> Iterator[AwaitedTask]:
    if task.is_completed:
        return
    if isinstance(task, RetryableTask):
        yield from _retried(task, places.of(task) or here)
    elif isinstance(task, CompoundTask):
        for child in task.children:
            yield from _parts(child, places, here)
    elif isinstance(task, EventTask):
        yield AwaitedTask(None, task.id, places.of(task) or here)
    elif isinstance(task.id, int) and not (isinstance(task, TimerTask) and task.is_cancelled):
        yield AwaitedTask(task.id, place=places.of(task) or here)


def _retried(task: RetryableTask, place: str) -> Iterator[AwaitedTask]:
    most = task.retry_options.max_number_of_attempts
    last = task.children[-1]
    if not isinstance(last.id, int):
        return
    called = None
    if isinstance(last, TimerTask):
        called = next((each.id for each in task.children if isinstance(each.id, int)), None)
    yield AwaitedTask(last.id, "", place, task.num_attempts, most, called)
