"""What an orchestrator yields: tasks with the surface of the Azure SDK's; no clock, no I/O.

A task is scheduled when it is yielded, alone or in a compound, never when it is made: only then it
gets its sequence number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from typing import Any

from durablectl.engine.replay.failures import entity_error
from durablectl.engine.replay.state import ExecutionState
from durablectl.history.events import (
    EventSent,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)
from durablectl.payload import dumps, loads


class TaskState(Enum):
    """The state of a task. Equal to the member of the same name of the Azure SDK's own enum."""

    RUNNING = 0
    SUCCEEDED = 1
    FAILED = 2

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Enum)
            and type(other).__name__ == "TaskState"
            and other.name == self.name
        )

    def __hash__(self) -> int:
        return hash(self.name)


RUNNING, SUCCEEDED, FAILED = TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED


class Task:
    """Something that an orchestrator can wait for.

    `result` is its value, or the exception when it failed.
    """

    __slots__ = (
        "__dict__",
        "_expected",
        "_others",
        "_scheduled",
        "id",
        "is_played",
        "parent",
        "result",
        "state",
    )

    def __init__(self, expected_type: Any = None) -> None:
        self.id: int | str | None = None
        self.state = RUNNING
        self.result: Any = None
        self.parent: CompoundTask | None = None
        self.is_played = False
        # nearly every task has one compound at most, and a fan-out has thousands of tasks
        self._others: list[CompoundTask] | None = None
        self._scheduled = False
        self._expected = expected_type

    @property
    def is_completed(self) -> bool:
        return self.state is not RUNNING

    @property
    def action_repr(self) -> Any:
        """What was asked for, for people."""
        return repr(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state.name}>"

    def schedule(self, execution: ExecutionState) -> None:
        """Enter the execution state, once. Called by the engine when the task is yielded."""
        raise NotImplementedError

    def receive(self, execution: ExecutionState, text: str | None) -> None:
        """Take the JSON text that answers the task. A text that cannot be read fails it."""
        try:
            value = None if text is None else loads(text, self._expected)
        except Exception as error:  # user code: from_json
            self.settle(execution, FAILED, error)
        else:
            self.settle(execution, SUCCEEDED, value)

    def settle(self, execution: ExecutionState, state: TaskState, result: Any) -> None:
        """Take the final state, and tell the compounds that wait for it."""
        self.state = state
        self.result = result
        self.is_played = execution.is_replaying
        if self.parent is not None:
            self.parent.child_settled(execution, self)
            if self._others is not None:
                for other in self._others:
                    other.child_settled(execution, self)

    def unsettled(self) -> Iterator[Task]:
        """The scheduled parts whose answer is still to come."""
        if self.state is RUNNING:
            yield self

    def attach(self, parent: CompoundTask) -> None:
        """Tell `parent` when this settles.

        Compounds that are done need not hear of it; all others do.
        """
        if self.parent is not None and self.parent is not parent and self.parent.state is RUNNING:
            self._others = [other for other in self._others or () if other.state is RUNNING]
            self._others.append(self.parent)
        self.parent = parent


NEVER = Task()
"""Waited for by an orchestrator that has ended."""


class ActivityTask(Task):
    __slots__ = ("_input", "_name")

    def __init__(self, name: str, input: str | None, expected_type: Any = None) -> None:
        super().__init__(expected_type)
        self._name = name
        self._input = input

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.id = number = execution.next_number()
            execution.pending[number] = TaskScheduled(
                execution.now, number, self._name, self._input
            )
            execution.open[number] = self


class SubOrchestrationTask(Task):
    __slots__ = ("_input", "_instance_id", "_name", "_version")

    def __init__(
        self,
        name: str,
        input: str | None,
        instance_id: str | None,
        version: str | None,
        expected_type: Any = None,
    ) -> None:
        super().__init__(expected_type)
        self._name = name
        self._input = input
        self._instance_id = instance_id
        self._version = version

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.id = number = execution.next_number()
            # the original's form of an id that the app does not give (see `is_child_id`)
            child = self._instance_id or f"{execution.execution_id}:{number}"
            execution.pending[number] = SubOrchestrationCreated(
                execution.now, number, self._name, child, self._input, self._version
            )
            execution.open[number] = self


class TimerTask(Task):
    __slots__ = ("_execution", "fire_at", "is_cancelled")

    def __init__(self, fire_at: datetime) -> None:
        super().__init__()
        self.fire_at = fire_at
        self.is_cancelled = False
        self._execution: ExecutionState | None = None

    def is_canceled(self) -> bool:
        """As `is_cancelled`; the SDK's long timers have it under this name, as a method."""
        return self.is_cancelled

    def cancel(self) -> None:
        """Take the timer back: it never completes, and keeps no instance running."""
        if self.state is not RUNNING:
            raise ValueError("Cannot cancel a completed task.")
        if not self.is_cancelled:
            self.is_cancelled = True
            # else it was not yielded yet, and `schedule` takes it back
            if self._execution is not None:
                self._drop(self._execution)

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._execution = execution
            self.id = number = execution.next_number()
            execution.pending[number] = TimerCreated(execution.now, number, self.fire_at)
            execution.open[number] = self
            if self.is_cancelled:
                self._drop(execution)

    def unsettled(self) -> Iterator[Task]:
        return iter(()) if self.is_cancelled else super().unsettled()

    def _drop(self, execution: ExecutionState) -> None:
        if isinstance(self.id, int) and execution.open.pop(self.id, None) is not None:
            execution.cancelled.append(self.id)


class EventTask(Task):
    """A wait for an external event. Its id is the event's name; it takes no sequence number."""

    __slots__ = ()

    def __init__(self, name: str, expected_type: Any = None) -> None:
        super().__init__(expected_type)
        self.id: str = name

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            event = execution.take_or_wait(self.id, self)
            if event is not None:
                self.receive(execution, event.input)

    def unsettled(self) -> Iterator[Task]:
        return iter(())  # it may never come, so nothing is held back for it


class EntityCallTask(Task):
    """A call of an entity: a message out, answered by an event whose name is the request's id."""

    __slots__ = ("_entity", "_input", "_operation")

    def __init__(
        self, entity: str, operation: str, input: str | None, expected_type: Any = None
    ) -> None:
        super().__init__(expected_type)
        self._entity = entity
        self._operation = operation
        self._input = input

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.id = number = execution.next_number()
            request_id = execution.request_id(number)
            request = {"op": self._operation, "input": self._input, "id": request_id}
            request |= {"parent": execution.instance_id, "parentExecution": execution.execution_id}
            execution.pending[number] = EventSent(
                execution.now, number, self._entity, "op", dumps(request)
            )
            execution.replies[request_id] = self

    def receive(self, execution: ExecutionState, text: str | None) -> None:
        """Take the entity's reply: `{"result": JSON text}`, with `exceptionType` and
        `failureDetails` when the operation failed.
        """
        try:
            reply = {} if text is None else loads(text)
            # the reply is JSON, and the result in it is JSON text once more
            value = loads(reply.get("result") or "null", self._expected)
        except Exception as error:  # user code: from_json
            self.settle(execution, FAILED, error)
        else:
            failed = reply.get("exceptionType") is not None
            result = (
                entity_error(value, self._entity, reply.get("failureDetails")) if failed else value
            )
            self.settle(execution, FAILED if failed else SUCCEEDED, result)


class SignalTask(Task):
    """What `signal_entity` returns: the signal is on its way, and nothing answers it."""

    __slots__ = ()

    def schedule(self, _execution: ExecutionState) -> None:
        raise TypeError(
            "signal_entity has no result to wait for: call it without yield, or use call_entity"
        )


class CompoundTask(Task):
    """A task of tasks."""

    __slots__ = ("children", "completed_tasks", "pending_tasks")

    def __init__(self, execution: ExecutionState, children: Iterable[Task]) -> None:
        super().__init__()
        self.id = -1
        self.children: list[Task] = list(children)
        self.completed_tasks: list[Task] = []
        for child in self.children:
            if not isinstance(child, Task):
                raise TypeError(
                    f"task_all and task_any take a list of tasks, not of {type(child).__name__}"
                )
            child.attach(self)
        self.pending_tasks: set[Task] = set(self.children)
        # no child would ever tell it that it is done
        if not self.children:
            self.state = SUCCEEDED
        # a child may have settled in an earlier compound, and tells its state only once
        for child in self.children:
            if child.state is not RUNNING:
                self.child_settled(execution, child)

    def schedule(self, execution: ExecutionState) -> None:
        for child in self.children:
            child.schedule(execution)

    def child_settled(self, execution: ExecutionState, child: Task) -> None:
        """Hear that a child is done. A child is counted once."""
        # a list may name a task twice, which settles once
        if child in self.pending_tasks:
            self.pending_tasks.remove(child)
            self.completed_tasks.append(child)
            if self.state is RUNNING:
                self._advance(execution, child)

    def _advance(self, execution: ExecutionState, child: Task) -> None:
        raise NotImplementedError


class WhenAllTask(CompoundTask):
    """Done when all children are, with their results in the children's order; fails with the first
    child that fails.
    """

    __slots__ = ()

    def _advance(self, execution: ExecutionState, child: Task) -> None:
        if child.state is FAILED:
            self.settle(execution, FAILED, child.result)
        elif not self.pending_tasks:
            self.settle(execution, SUCCEEDED, [child.result for child in self.children])

    def unsettled(self) -> Iterator[Task]:
        for child in self.children:
            yield from child.unsettled()


class WhenAnyTask(CompoundTask):
    """Done when the first child is; the result is that child, also when it failed."""

    __slots__ = ()

    def _advance(self, execution: ExecutionState, child: Task) -> None:
        self.settle(execution, SUCCEEDED, child)

    def unsettled(self) -> Iterator[Task]:
        return iter(()) if self.result is None else self.result.unsettled()
