"""Orchestrator code that is run along a history: what it decides, where in the code, and what it
looks at; no clock, no I/O, no store.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.context import OrchestrationContext
from durablectl.engine.replay.episode import Ending, Episode
from durablectl.engine.replay.executor import Execution, OrchestratorExecutor
from durablectl.engine.replay.nondeterminism import described, identity, short
from durablectl.engine.replay.places import Position, shown_position
from durablectl.history import events as e
from durablectl.history.proofs import Timeline
from durablectl.history.saved import History
from durablectl.history.verdict import Confidence, Judgement, Verdict
from durablectl.model import RuntimeStatus

_Answer = (
    e.TaskCompleted
    | e.TaskFailed
    | e.SubOrchestrationCompleted
    | e.SubOrchestrationFailed
    | e.TimerFired
)
# far below the parts of three days, and far above what clocks differ by
SHORTEST_PART = timedelta(days=1)
NON_DETERMINISTIC = "Non-Deterministic workflow detected"


@dataclass(frozen=True, slots=True)
class Break:
    """Where the code stops to match: the number of the event in the history, and what each has."""

    event: int | None
    expected: str
    got: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class FollowedExecution:
    """An execution that was run along its history.

    `events` are its complete events as this code makes them, up to where it breaks; `execution` is
    where it is then, to be closed by the caller. `looked_at_replaying` tells of code that asked
    whether it is replayed. `not_taken` are the names of events that it was not given. `timeline` is
    what a history without episodes proves, with the numbers that the code gives its proofs.
    """

    verdict: Verdict
    events: tuple[e.Event, ...]
    execution: Execution
    looked_at_replaying: bool = False
    not_taken: tuple[str, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)


class WatchedContext(OrchestrationContext):
    """A context that remembers what the code has looked at: "time", "uuid", "is_replaying"."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.looked_at: set[str] = set()
        self.signals: dict[int, str] = {}
        """Where each signal was sent, by its number."""

    @property
    def current_utc_datetime(self) -> datetime:
        self.looked_at.add("time")
        return self._current_utc_datetime

    @current_utc_datetime.setter
    def current_utc_datetime(self, value: datetime) -> None:
        self._current_utc_datetime = value

    @property
    def is_replaying(self) -> bool:
        self.looked_at.add("is_replaying")
        return super().is_replaying

    def new_uuid(self) -> str:
        self.looked_at.add("uuid")
        return super().new_uuid()

    def new_guid(self) -> Any:
        self.looked_at.add("uuid")
        return super().new_guid()

    def signal_entity(self, entityId: Any, operationName: str, operationInput: Any = None) -> Any:  # noqa: N803
        number = self._execution.used
        task = super().signal_entity(entityId, operationName, operationInput)
        # A signal is not yielded: no generator waits at its line, so its caller tells the place.
        frame = inspect.currentframe()
        if frame is not None and (caller := frame.f_back) is not None:
            self.signals[number] = shown_position((caller.f_code.co_filename, caller.f_lineno))
        return task


class Follower:
    """One execution of the code of now, run along a history.

    Of an orchestrator that brings its own execution (azure-functions-durable 2.x) it is not known
    what the code looks at, and the place of a decision is where the code waits after it.
    """

    def __init__(self, orchestrator: Orchestrator, instance_id: str, execution_id: str) -> None:
        self._watched: OrchestratorExecutor | None = None
        if orchestrator.begin is not None:
            self.execution: Execution = orchestrator.begin(instance_id, execution_id)
        else:
            self._watched = self.execution = OrchestratorExecutor(
                orchestrator, instance_id, execution_id, context_class=WatchedContext
            )
            self._watched.follow()
        self.events: list[e.Event] = []
        self.ending: Ending = None
        self._waited_at: Position | None = None

    def deliver(self, events: Sequence[e.Inbound], now: datetime) -> Episode:
        """What the code makes of what arrived. Not to be called after an ending."""
        if self._watched is not None:
            # before it runs: code that ends has no place any more
            self._waited_at = self._watched.function.position() or self._waited_at
        episode = self.execution.run(events, now)
        self.events += episode.history
        self.ending = episode.ending
        return episode

    @property
    def has_ended(self) -> bool:
        return self.ending is not None

    @property
    def keeps_numbers(self) -> bool:
        """Whether its decisions have the numbers of the history, also after a rewind."""
        return self._watched is None

    def looked_at(self, what: str) -> bool:
        """Whether the code has looked at "time", "uuid" or "is_replaying", as far as is known."""
        return self._context is not None and what in self._context.looked_at

    def place_of(self, number: int) -> str:
        """Where in the code a decision was made; "" when it is not known."""
        if self._watched is None:
            return self.execution.where()
        signals = {} if self._context is None else self._context.signals
        return signals.get(number) or self._watched.function.place_of(number)

    def is_retry(self, number: int) -> bool:
        """Whether a decision is one of a retry, which others do not hold back."""
        return self._watched is not None and number in self._watched.state.retries

    def await_reply(self, sent: e.EventSent) -> None:
        """Await an entity's reply under the id that was really sent."""
        if self._watched is not None:
            self._watched.state.keep_request_id(sent)

    @property
    def _context(self) -> WatchedContext | None:
        context = None if self._watched is None else self._watched.context
        return context if isinstance(context, WatchedContext) else None

    def waiting(self) -> tuple[str, str]:
        """What the code does instead of deciding anything, and where: of one that has ended, where
        it waited last.
        """
        if self.has_ended:
            return f"has {shown(self.ending)}", shown_position(self._waited_at)
        return "waits", self.execution.where()


def is_part_of(part: e.TimerCreated, whole: e.Decision) -> bool:
    """Whether a recorded timer is the first part of a long one of the code: the service makes one
    of more than six days out of timers of three days (docs/fidelity.md, point 43).
    """
    return (
        isinstance(whole, e.TimerCreated)
        and part.fire_at - part.timestamp >= SHORTEST_PART
        and whole.fire_at - part.fire_at >= SHORTEST_PART
    )


def answering(event: e.Inbound, number: int) -> e.Inbound:
    """What arrived, as the answer to the code's decision with this number."""
    if isinstance(event, _Answer):
        return replace(event, task_id=number)
    return event


def decision_break(event: int, recorded: e.Decision | None, made: e.Decision, place: str) -> Break:
    """How the code's decision differs from what the history has, which may be nothing."""
    if recorded is None:
        return Break(event, "nothing more here", f"has {described(made)}", place)
    is_named = identity(recorded) == identity(made)
    return Break(
        event,
        described(recorded, with_input=is_named),
        f"has {described(made, with_input=is_named)}",
        place,
    )


def ending_break(
    recorded: Ending,
    made: Ending,
    event: int | None,
    waiting: Callable[[], tuple[str, str]],
    *,
    with_result: bool = True,
) -> Break | None:
    """How two endings differ; None when they do not. Without the result only kind and status
    count.
    """
    if recorded == made:
        return None
    is_alike = recorded is not None and made is not None and recorded.status is made.status
    if is_alike and (not with_result or shown(recorded) == shown(made)):
        return None
    return Break(event, shown(recorded), *waiting())


def shown(ending: Ending) -> str:
    """An ending for people."""
    match ending:
        case None:
            return "no end yet"
        case e.ContinueAsNew():
            return f"the end: continues as new with {_plain(ending.input)}"
        case e.ExecutionCompleted(status=RuntimeStatus.COMPLETED):
            return f"the end: completes with {_plain(ending.result)}"
    return f"the end: {ending.status.value}: {short(ending.result or '')}"


def verdict_of(
    history: History, confidence: Confidence, broken: Break | None, warnings: Sequence[str] = ()
) -> Verdict:
    """The verdict of an execution that could be judged."""
    found = broken or Break(None, "", "")
    return Verdict(
        history.instance_id,
        history.name,
        Judgement.FITS if broken is None else Judgement.BREAKS,
        confidence,
        found.event,
        found.expected,
        found.got,
        found.place,
        warnings=tuple(warnings),
    )


def _plain(text: str | None) -> str:
    """JSON text, whichever way it was written."""
    try:
        # hosts write the members of an object in different orders
        return "null" if text is None else json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text or ""
