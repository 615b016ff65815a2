"""Where an execution relies on this engine being kinder than the service (docs/fidelity.md): such
code works here, and hangs or fails on Azure; no clock, no I/O, no store.

Seen in a replay, by a context whose tasks look at what the service's SDK would make of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.context import OrchestrationContext
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.engine.replay.places import first_line_of, shown_position
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import (
    RUNNING,
    CompoundTask,
    EventTask,
    Task,
    TimerTask,
    WhenAllTask,
    WhenAnyTask,
)
from durablectl.history.events import (
    ContinueAsNew,
    EventRaised,
    ExecutionCompleted,
    Inbound,
    SubOrchestrationFailed,
    TaskFailed,
)
from durablectl.model import RuntimeStatus

LONGEST_TIMER = timedelta(days=6)
"""The service makes a longer timer out of parts of three days."""


class Point(NamedTuple):
    """A point of docs/fidelity.md: what the code does, what that leads to on Azure, and what to
    write instead.
    """

    does: str
    there: str
    instead: str


POINTS: dict[int, Point] = {
    12: Point(
        "waits for a task_all or task_any whose task is also part of a later one",
        "the first one never completes",
        "use each task in one of them, and yield that one again",
    ),
    19: Point(
        "cancels a timer of more than six days",
        "the instance keeps running until the timer fires",
        "wait in a loop, with a timer of at most six days in each round",
    ),
    33: Point(
        "catches the failure of a call of a function that the app does not have",
        "the call never fails, and the instance hangs",
        "call a function of the app",
    ),
    42: Point(
        "makes a timer with a time that is not in UTC",
        "a time without a zone raises an exception, and another zone is taken for UTC",
        "use context.current_utc_datetime + timedelta(...)",
    ),
    44: Point(
        "waits for an event again of which one came early",
        "the last one that came early is given to each wait, and the others are lost",
        "give each event a name of its own, or wait before it can be raised",
    ),
    46: Point(
        "waits for an event that was raised in another case",
        "the event does not reach the wait, and the instance hangs",
        "write the name in the same case in both places",
    ),
    52: Point(
        "catches the failure of a sub-orchestration whose id is in use",
        "the call never fails, and the instance hangs",
        "leave the id out, or make it from context.instance_id",
    ),
    57: Point(
        "continues as new while an event is there that it has not read",
        "the event is lost",
        "read all events that can come before continue_as_new",
    ),
    64: Point(
        "was rewound after it had caught the failure of another step",
        "that step runs again too, and the instance fails with a non-deterministic replay",
        "restart such an instance",
    ),
    72: Point(
        "relies on the operations of a batch being kept apart",
        "an operation that sets no result returns that of the one before it, and get_input() "
        "without an input raises TypeError",
        "call set_result in each operation that is called, and get_input only where there is one",
    ),
}


@dataclass(frozen=True, slots=True)
class Reliance:
    """A point of docs/fidelity.md that a function relies on; `place` is `file.py:12`, "" when it is
    not known.
    """

    point: int
    name: str
    place: str
    kind: str = "orchestrator"

    @property
    def sentence(self) -> str:
        point = POINTS[self.point]
        at = f" at {self.place}" if self.place else ""
        return (
            f"{self.kind} '{self.name}' {point.does}{at}. That works here; on Azure {point.there} "
            f"(point {self.point} of the fidelity table). Instead, {point.instead}"
        )


_UNKNOWN = re.compile(r"The function '.*' doesn't exist, is disabled, or is not an? ")
_ID_IN_USE = re.compile(r"An Orchestration instance with the status \w+ already exists")


def entity_reliance(name: str, function: Callable[..., Any]) -> Reliance:
    """That an entity function relies on the operations of a batch being kept apart."""
    return Reliance(72, name, shown_position(first_line_of(function)), "entity")


class Watch:
    """What one execution relies on, seen while it is replayed episode by episode."""

    def __init__(self, orchestrator: Orchestrator, instance_id: str, execution_id: str) -> None:
        self._name = orchestrator.name
        self.executor = OrchestratorExecutor(
            orchestrator,
            instance_id,
            execution_id,
            context_class=partial(PortabilityContext, self),
        )
        self.events: dict[str, set[str]] = {}
        """The names of events that have arrived, by their lower case."""
        self.early: dict[str, EventRaised] = {}
        """The last event of each name that came before a wait for it."""
        self._waits: dict[str, tuple[str, str]] = {}
        self._places: dict[int, str] = {}
        self._failures: dict[int, str] = {}
        self._failed = self._caught = ""
        self.continued_at = ""

    def found(self) -> list[Reliance]:
        """In the order of their points."""
        return [
            Reliance(number, self._name, place) for number, place in sorted(self._places.items())
        ]

    def note(self, number: int, place: str | None = None) -> None:
        """Keep the first place of each point."""
        self._places.setdefault(number, self.executor.where() if place is None else place)

    def waits(self, name: str) -> None:
        """Hear of a wait for an event."""
        self._waits[name.lower()] = name, self.executor.where()

    def arrives(self, events: Sequence[Inbound]) -> None:
        """Hear of what arrives before the code does."""
        for event in events:
            if isinstance(event, EventRaised):
                self.events.setdefault(event.name.lower(), set()).add(event.name)
            elif isinstance(event, TaskFailed | SubOrchestrationFailed):
                place = self._failed = self.executor.where()
                if _UNKNOWN.match(event.reason):
                    self._failures[33] = place
                elif isinstance(event, SubOrchestrationFailed) and _is_id_in_use(event):
                    self._failures[52] = place

    def rewound(self) -> None:
        """Hear that the execution was rewound, behind what it has been seen to do."""
        if self._caught:
            self.note(64, self._caught)

    def made(self, episode: Episode) -> None:
        """Hear of what the code made of it."""
        for key, names in self.events.items():
            name, place = self._waits.get(key, ("", ""))
            if name and name not in names:
                self.note(46, place)
        ending = episode.ending
        # the failure that ends the instance is not one that its code caught
        if not (isinstance(ending, ExecutionCompleted) and ending.status is RuntimeStatus.FAILED):
            self._caught = self._failed or self._caught
        self._failed = ""
        if isinstance(ending, ContinueAsNew) and episode.carried_over:
            self.note(57, self.continued_at)
        if isinstance(ending, ContinueAsNew) or (
            isinstance(ending, ExecutionCompleted) and ending.status is RuntimeStatus.COMPLETED
        ):
            for number, place in self._failures.items():
                self.note(number, place)

    def completes(self, compound: Task) -> None:
        """Hear of a compound that the service's SDK would not complete."""
        awaited = self.executor.function.current
        each: Task | None = compound
        while each is not None:
            if each is awaited:
                self.note(12)
                return
            each = each.parent


def _is_id_in_use(event: SubOrchestrationFailed) -> bool:
    return event.details is None and bool(_ID_IN_USE.match(event.reason))


class PortabilityContext(OrchestrationContext):
    """A context whose tasks tell a watch what the service would make of them."""

    __slots__ = ("_watch",)

    def __init__(self, watch: Watch, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._watch = watch

    def create_timer(self, fire_at: datetime) -> TimerTask:
        timer = super().create_timer(fire_at)
        if not fire_at.tzinfo or fire_at.utcoffset():
            self._watch.note(42)
        if timer.fire_at - self._current_utc_datetime > LONGEST_TIMER:
            return _LongTimer(timer.fire_at, self._watch)
        return timer

    def wait_for_external_event(self, name: str, expected_type: Any = None) -> Task:
        return _Event(super().wait_for_external_event(name).id, expected_type, self._watch)

    def continue_as_new(self, input_: Any) -> None:
        if not self.will_continue_as_new:
            self._watch.continued_at = self._watch.executor.where()
        super().continue_as_new(input_)

    def task_all(self, activities: Iterable[Task]) -> WhenAllTask:
        return _All(self._execution, activities, self._watch)

    def task_any(self, activities: Iterable[Task]) -> WhenAnyTask:
        return _Any(self._execution, activities, self._watch)


class _LongTimer(TimerTask):
    def __init__(self, fire_at: datetime, watch: Watch) -> None:
        super().__init__(fire_at)
        self._watch = watch

    def cancel(self) -> None:
        super().cancel()
        self._watch.note(19)


class _Event(EventTask):
    """The SDK keeps one event of each name that came early, the last one, and gives it to each
    later wait.
    """

    def __init__(self, name: Any, expected_type: Any, watch: Watch) -> None:
        super().__init__(name, expected_type)
        self._watch = watch

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            key = self.id.lower()
            self._watch.waits(self.id)
            buffered = execution.buffered(self.id)
            if buffered:
                self._watch.early[key] = buffered[-1]
            last = self._watch.early.get(key)
            if last is not None and (not buffered or buffered[0] is not last):
                self._watch.note(44)
        super().schedule(execution)


class _Watched(CompoundTask):
    """The SDK tells only the newest compound of a task that it is done."""

    def __init__(self, execution: ExecutionState, children: Iterable[Task], watch: Watch) -> None:
        self._watch, self._leans = watch, False
        super().__init__(execution, children)

    def child_settled(self, execution: ExecutionState, child: Task) -> None:
        was_running = self.state is RUNNING
        self._leans = self._leans or (was_running and child.parent is not self)
        super().child_settled(execution, child)
        if was_running and self.state is not RUNNING and self._leans:
            self._watch.completes(self)

    def schedule(self, execution: ExecutionState) -> None:
        if self._leans and self.state is not RUNNING:
            self._watch.note(12)
        super().schedule(execution)


class _All(_Watched, WhenAllTask):
    pass


class _Any(_Watched, WhenAnyTask):
    pass
