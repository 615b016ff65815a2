"""Two ways to run an orchestrator in the SDK's executor: kept alive between episodes, and through
the contract of the Functions host, which gets the whole history each time.

Both take the same events and decide the same; a property test holds that. Suspension and
termination are not theirs (see `execution`).
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from durablectl.engine.replay.failures import without_engine_frames
from durablectl.engine.replay.function import close_generator
from durablectl.engine.replay.places import position_of, shown_position
from durablectl.functionapp.sdk2.names import (
    DurableFunctionsWorker,
    new_context,
    new_executor,
    pb,
    tracing,
)
from durablectl.history import events as e
from durablectl.protocol.history import Execution, event_fields
from durablectl.protocol.orchestrator import (
    Outcome,
    read_actions,
    read_response,
    request_fields,
)

_FAILURES = frozenset({e.TaskFailed, e.SubOrchestrationFailed})
_TIMERS = frozenset({e.TimerCreated, e.TimerFired})


class Run(ABC):
    """One execution of the user's code.

    `retried` are the tasks that failed in the last step and are tried again, `cancelled` the timers
    that the code has taken back since the last outcome.
    """

    def __init__(self, name: str, execution: Execution) -> None:
        self._name, self._execution = name, execution
        self.retried: set[int] = set()
        self.cancelled: list[int] = []

    @abstractmethod
    def replay(self, past: Sequence[e.Event]) -> None:
        """Take in the history so far, decisions included."""

    @abstractmethod
    def step(self, now: datetime, new: Sequence[e.Inbound]) -> None:
        """Take in what is new."""

    @abstractmethod
    def outcome(self, now: datetime) -> Outcome:
        """What was decided since the last outcome; it counts as history from now on."""

    @abstractmethod
    def close(self) -> None:
        """End the user's code."""

    def where(self) -> str:
        """The place in the user's code that runs or waits now; "" when it is not known."""
        return ""

    def awaited_events(self) -> list[str]:
        """The names of the external events that are waited for now, in lower case, as far as the
        SDK shows them.
        """
        return []

    def unused_events(self) -> list[str]:
        """The names of the events that have come and that the code has not taken, in lower case,
        each as often as it has come, as far as the SDK shows them.
        """
        return []

    def _named(self, event: e.Event) -> e.Event:
        """The event with the name of the function, which may be started in another case."""
        return replace(event, name=self._name) if isinstance(event, e.ExecutionStarted) else event


class KeptRun(Run):
    """The SDK's own context and executor, which stay alive.

    Decisions are confirmed as the executor's own replay does it, which is told of the history
    events that they have become.
    """

    def __init__(self, name: str, worker: Any, execution: Execution) -> None:
        super().__init__(name, execution)
        self._executor = new_executor(worker, name)
        self._context = new_context(worker, execution.instance_id)
        self._timers: set[int] = set()

    def replay(self, past: Sequence[e.Event]) -> None:
        self._context._is_replaying = True  # noqa: SLF001 - guarded by `has_internals`
        with tracing.suppress_span_emission(True):
            self._take_in(past)
        self._take_cancelled()
        self.cancelled.clear()

    def step(self, now: datetime, new: Sequence[e.Inbound]) -> None:
        self.retried.clear()
        context = self._context
        context.current_utc_datetime = now.replace(tzinfo=None)
        context._is_replaying = False  # noqa: SLF001
        with tracing.suppress_span_emission(True):
            self._take_in(new)
        if self._timers:
            self._take_cancelled()

    def outcome(self, now: datetime) -> Outcome:
        context = self._context
        status = context._encoded_custom_status  # noqa: SLF001
        made = read_actions(context.get_actions(), now, status)
        if made.ending is None and made.decisions:
            self._confirm(made.decisions)
        return made

    def where(self) -> str:
        return shown_position(position_of(self._context._generator))  # noqa: SLF001

    def awaited_events(self) -> list[str]:
        return list(self._context._pending_events)  # noqa: SLF001

    def unused_events(self) -> list[str]:
        kept = self._context._received_events  # noqa: SLF001
        return [name for name, values in kept.items() for _ in values]

    def close(self) -> None:
        generator, self._context._generator = self._context._generator, None  # noqa: SLF001
        close_generator(generator)
        self._context._pending_tasks.clear()  # noqa: SLF001

    def _confirm(self, decisions: Sequence[e.Decision]) -> None:
        """Tell the executor that what it has just decided is in the history.

        Most of it is only taken off its list; of messages it notes the ids.
        """
        context = self._context
        waiting = context._pending_actions  # noqa: SLF001
        sent = []
        for decision in decisions:
            if isinstance(decision, e.EventSent):
                sent.append(decision)
                continue
            waiting.pop(decision.task_id)
            if isinstance(decision, e.TimerCreated):
                self._timers.add(decision.task_id)
        if sent:
            context._is_replaying = True  # noqa: SLF001
            with tracing.suppress_span_emission(True):
                self._take_in(sent)

    def _take_in(self, events: Iterable[e.Event]) -> None:
        """Hand events to the executor; what it raises fails the orchestration, as there."""
        process, context = self._executor.process_event, self._context
        try:
            for event in events:
                kind = type(event)
                if kind is e.OrchestratorStarted:
                    context.current_utc_datetime = event.timestamp.replace(tzinfo=None)
                elif kind in _FAILURES:
                    self._take_in_failure(event)
                elif kind is not e.OrchestratorCompleted:
                    if kind in _TIMERS:
                        self._note_timer(event)
                    process(context, self._message(event))
        except Exception as error:  # user code, and histories that the code does not match
            context.set_failed(without_engine_frames(error))

    def _take_in_failure(self, event: Any) -> None:
        waiting = self._context._pending_tasks.get(event.task_id)  # noqa: SLF001
        self._executor.process_event(self._context, self._message(event))
        if waiting is not None and not waiting.is_complete:
            self.retried.add(event.task_id)

    def _message(self, event: e.Event) -> Any:
        write = _QUICK.get(type(event))
        if write is not None:
            return write(event)
        return pb.HistoryEvent(**event_fields(self._named(event), self._execution))

    def _note_timer(self, event: e.Event) -> None:
        if isinstance(event, e.TimerCreated):
            self._timers.add(event.task_id)
        elif isinstance(event, e.TimerFired):
            self._timers.discard(event.task_id)

    def _take_cancelled(self) -> None:
        gone = [timer for timer in self._timers if timer not in self._context._pending_tasks]  # noqa: SLF001
        self._timers.difference_update(gone)
        self.cancelled.extend(gone)


class WireRun(Run):
    """The contract of the Functions host: the whole history in, its actions out, each time."""

    def __init__(self, name: str, function: Any, execution: Execution) -> None:
        super().__init__(name, execution)
        self._function, self._worker = function, DurableFunctionsWorker()
        self._past: list[e.Event] = []
        self._new: list[e.Event] = []

    def replay(self, past: Sequence[e.Event]) -> None:
        self._past.extend(past)

    def step(self, now: datetime, new: Sequence[e.Inbound]) -> None:
        self._new += [e.OrchestratorStarted(now), *new]

    def outcome(self, now: datetime) -> Outcome:
        past, new = map(self._named, self._past), map(self._named, self._new)
        request = pb.OrchestratorRequest(**request_fields(self._execution, past, new))
        text = base64.b64encode(request.SerializeToString()).decode()
        answer = base64.b64decode(self._worker.execute_orchestration_request(self._function, text))
        made = read_response(pb.OrchestratorResponse.FromString(answer), now)
        self._past += [*self._new, *made.decisions, e.OrchestratorCompleted(now)]
        self._new.clear()
        return made

    def close(self) -> None:
        self._past.clear()


# The same messages as the codec's, made without the detour over dicts: they are most of all events.


def _completed(event: e.TaskCompleted) -> Any:
    message = pb.HistoryEvent(eventId=-1)
    part = message.taskCompleted
    part.taskScheduledId = event.task_id
    if event.result is not None:
        part.result.value = event.result
    return message


def _scheduled(event: e.TaskScheduled) -> Any:
    message = pb.HistoryEvent(eventId=event.task_id)
    message.taskScheduled.name = event.name
    return message


_QUICK: dict[type, Callable[[Any], Any]] = {
    e.TaskCompleted: _completed,
    e.TaskScheduled: _scheduled,
}
