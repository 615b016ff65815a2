"""The user's orchestrator function, run step by step between the tasks that it yields; no clock, no
I/O, no history.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.context import OrchestrationContext
from durablectl.engine.replay.failures import NO_DETAILS, details_of
from durablectl.engine.replay.places import Position, position_of, shown_position
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import FAILED, NEVER, RUNNING, SUCCEEDED, CompoundTask, Task
from durablectl.payload import dumps_plain, storable

_STARTED = Task()
_STARTED.state = SUCCEEDED


@dataclass(slots=True, eq=False)
class OrchestratorFunction:
    """One run of an orchestrator function.

    `current` is the task that it waits for. Once `has_ended`, `failure` tells what it raised, else
    `output` is its result as JSON text. `details` is what it raised as JSON text, unless the
    failure's own text has that; `is_passed_on` when it did not catch a task's failure. `places` are
    where in the code each decision of a replay was made. KeyboardInterrupt goes through; the run is
    of no use then.
    """

    _orchestrator: Orchestrator
    _execution: ExecutionState
    _context: OrchestrationContext | None = None
    _generator: Generator[Any, Any, Any] | None = None
    _unsettled: list[Task] = field(default_factory=list)
    _thrown: BaseException | None = None
    current: Task = NEVER
    has_ended: bool = False
    failure: str | None = None
    details: str | None = None
    is_passed_on: bool = False
    output: str | None = None
    places: list[Position | None] = field(default_factory=list)

    def start(self, context: OrchestrationContext) -> None:
        self._context = context
        try:
            made = self._orchestrator.function(context)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # user code
            self._fail(error)
            return
        if isinstance(made, GeneratorType):
            self._generator = made
            self.current = _STARTED
            self.resume()
        else:
            self._returned(made)

    def resume(self) -> None:
        """Run on from `current`, which is done, until the function waits for a task that is not."""
        generator, context, execution, task = (
            self._generator,
            self._context,
            self._execution,
            self.current,
        )
        if generator is None or context is None:
            return
        try:
            while task.state is not RUNNING:
                if isinstance(task, CompoundTask) and (
                    task.state is FAILED or isinstance(task.result, CompoundTask)
                ):
                    # The original awaits all children before it looks at what follows a task_all
                    # that failed (point 26).
                    self._unsettled.extend(task.unsettled())
                if task.state is SUCCEEDED:
                    task = generator.send(task.result)
                else:
                    self._thrown = task.result
                    task = generator.throw(task.result.with_traceback(None))
                if not isinstance(task, Task):
                    raise TypeError(_not_a_task(task, self.where()))
                if context.will_continue_as_new:
                    # nothing new is scheduled any more, but what is done already gives its result
                    continue
                task.schedule(execution)
                if execution.is_replaying:
                    self._mark_places()
        except StopIteration as stop:
            self._returned(stop.value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # user code
            self._fail(error)
        else:
            self.current = task
            if context.will_continue_as_new:
                self._end()

    def awaits_siblings(self) -> bool:
        """Whether nothing new may be handed out, because siblings of what made a task_all fail are
        still at work.
        """
        unsettled = self._unsettled
        while unsettled and next(unsettled[-1].unsettled(), None) is None:
            unsettled.pop()
        return bool(unsettled)

    def failure_text(self, error: BaseException) -> str:
        """What an instance shows that failed with `error`."""
        try:
            text = str(error) or str(type(error))
        except Exception:  # user code: __str__
            text = str(type(error))
        # A task's failure without details has "None" where they would stand (the SDK's
        # Executor.py): code may rely on it, the engine does not read it.
        return storable(
            f"Orchestrator function '{self._orchestrator.name}' failed: "
            f"{text.removesuffix(NO_DETAILS)}"
        )

    def where(self) -> str:
        """The place in the function that runs or waits now, as `file.py:12`; "" when there is
        none."""
        return shown_position(self.position())

    def position(self) -> Position | None:
        return position_of(self._generator)

    def place_of(self, number: int) -> str:
        """The place of a decision of a replay, as `file.py:12`; "" when it is not known."""
        return shown_position(self.places[number] if number < len(self.places) else self.position())

    def close(self) -> None:
        """End the generator; what it raises is swallowed. Idempotent."""
        generator, self._generator = self._generator, None
        self.current = NEVER
        close_generator(generator)

    def _returned(self, output: Any) -> None:
        self._end()
        try:
            if inspect.iscoroutine(output) or inspect.isasyncgen(output):
                if inspect.iscoroutine(output):
                    output.close()
                raise TypeError(
                    "an orchestrator is a generator function or a plain one; it "
                    "cannot be an 'async def'"
                )
            self.output = None if output is None else dumps_plain(output)
        except Exception as error:  # also of user code: an int or str of its own
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._end()
        self.failure = self.failure_text(error)
        self.is_passed_on = error is self._thrown
        if not (self.is_passed_on and '"StackTraceString"' in self.failure):
            self.details = details_of(error)

    def _end(self) -> None:
        self.has_ended = True
        self.current = NEVER
        self._execution.stop_waiting()

    def _mark_places(self) -> None:
        while len(self.places) < self._execution.used:
            self.places.append(position_of(self._generator))


def close_generator(generator: Generator[Any, Any, Any] | None) -> None:
    """End the user's code where it waits; what it raises is swallowed."""
    if generator is None:
        return
    try:
        generator.close()
    except KeyboardInterrupt:
        raise
    except BaseException:  # user code
        pass


def _not_a_task(yielded: Any, where: str) -> str:
    what = "None" if yielded is None else f"a value of type {type(yielded).__name__}"
    return (
        f"the orchestrator yielded {what} at {where}: yield the tasks that call_activity, "
        "task_all, create_timer and the like return"
    )
