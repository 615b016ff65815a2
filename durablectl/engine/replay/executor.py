"""The replay core: history in, decisions out. No clock, no I/O, no store.

An `OrchestratorExecutor` is one execution of an orchestrator function. Its generator stays alive
between episodes; where it was lost, `rebuild` makes it again from history, and every episode comes
out the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, cast

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.context import OrchestrationContext
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.function import OrchestratorFunction, Position, shown_position
from durablectl.engine.replay.nondeterminism import difference
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import FAILED, NEVER, RUNNING, SUCCEEDED, Task, TaskState
from durablectl.history import events as e
from durablectl.history.events import DECISIONS
from durablectl.model import RuntimeStatus
from durablectl.payload import dumps

CUSTOM_STATUS_KB = 16
"""How much an orchestrator may show of itself, as JSON in UTF-16."""

_WHILE_SUSPENDED = frozenset(
    {e.ExecutionSuspended, e.ExecutionResumed, e.ExecutionTerminated, e.ExecutionRewound}
)


def replay(
    orchestrator: Orchestrator,
    instance_id: str,
    execution_id: str,
    past: Sequence[e.Event],
    new: Sequence[e.Inbound],
    now: datetime,
) -> Episode:
    """One episode from history alone: what the orchestrator decides when `new` arrives after
    `past`.
    """
    execution = OrchestratorExecutor(orchestrator, instance_id, execution_id)
    execution.rebuild(past)
    episode = execution.run(new, now)
    execution.close()
    return episode


class OrchestratorExecutor:
    """One execution of an orchestrator function.

    `run` and `rebuild` let KeyboardInterrupt through; the execution is of no use then, and nothing
    of it has happened.
    """

    __slots__ = (
        "_arrivals",
        "_context",
        "_context_class",
        "_execution",
        "_fault",
        "_function",
        "_held",
        "_history",
        "_input_type",
        "_shown_status",
        "_suspended",
        "_terminated",
    )

    def __init__(
        self,
        orchestrator: Orchestrator,
        instance_id: str,
        execution_id: str,
        *,
        context_class: Callable[..., OrchestrationContext] = OrchestrationContext,
    ) -> None:
        self._execution = ExecutionState(instance_id, execution_id)
        self._context_class = context_class
        self._function = OrchestratorFunction(orchestrator, self._execution)
        self._input_type = orchestrator.input_type
        self._context: OrchestrationContext | None = None
        self._history: list[e.Event] = []
        self._arrivals = 0
        self._suspended = False
        self._held: list[e.Inbound] = []  # came while suspended
        self._shown_status: str | None = None
        self._terminated: e.ExecutionTerminated | None = None
        self._fault: str | None = None  # ends the instance at once, whatever is open

    def run(self, new: Sequence[e.Inbound], now: datetime) -> Episode:
        """One episode: take in what arrived and say what follows.

        Of a fresh execution the first event is ExecutionStarted.

        A `now` before that of the last episode counts as that one: an execution's time never goes
        backwards. After an ending the execution is closed, and `run` must not be called again.
        """
        execution = self._execution
        self._set_time(now)
        # Before the code runs: `context.histories` has to show what wakes it.
        history: list[e.Event] = [e.OrchestratorStarted(execution.now), *new]
        self._history.extend(history)
        if self._fault is None:
            for event in new:
                self._take_in(event)
        custom_status = self._take_custom_status()
        decisions, cancelled, ending = self._outcome()
        made: list[e.Event] = [*decisions, e.OrchestratorCompleted(execution.now)]
        if ending is not None:
            made.insert(-1, ending)
        self._history.extend(made)
        history.extend(made)
        episode = Episode(
            history, decisions, self._status_after(ending), custom_status, cancelled, ending
        )
        episode.is_passed_on = self._function.is_passed_on
        if execution.retried:
            episode.retried = frozenset(execution.retried)
            execution.retried.clear()
        if ending is not None:
            if isinstance(ending, e.ContinueAsNew):
                episode.carried_over = execution.unconsumed()
            self.close()
        return episode

    def rebuild(self, past: Sequence[e.Event]) -> None:
        """Bring a fresh execution to where its history has left it.

        A history that the code does not match fails the next episode.
        """
        self._history.extend(past)
        self._execution.is_replaying = True
        for event in past:
            kind = type(event)
            if kind in DECISIONS:
                self._verify(cast(e.Decision, event))
            elif kind is e.OrchestratorStarted:
                self._set_time(event.timestamp)
            elif kind is e.OrchestratorCompleted:
                self._take_custom_status()
                self._execution.retried.clear()
                if not self._is_held():
                    # What was taken out of the history is decided again: cancelled it stays.
                    self._execution.cancelled = [
                        number
                        for number in self._execution.cancelled
                        if number in self._execution.pending
                    ]
            elif kind in self._HANDLERS:
                self._take_in(cast(e.Inbound, event))
            if self._fault is not None:
                break
        self._function.places.clear()
        self._execution.is_replaying = False

    def close(self) -> None:
        """End the generator.

        What its `finally` blocks ask for is dropped, what they raise is swallowed. Idempotent.
        """
        self._function.close()
        self._execution.clear()

    @property
    def awaited_task(self) -> Task:
        """What the function waits for now; a task that never completes when it has ended."""
        return self._function.current

    def unused_events(self) -> list[str]:
        """The names of the events that have come and that the function has not taken."""
        held = (each for each in self._held if isinstance(each, e.EventRaised))
        return [each.name for each in (*self._execution.unconsumed(), *held)]

    def where(self) -> str:
        """The place in the orchestrator function that runs or waits now, as `file.py:12`; "" when
        it has none.

        For any thread.
        """
        return self._function.where()

    def follow(self) -> None:
        """Take each coming episode as one that has been before: the code sees `is_replaying`, and
        `place_of` knows where it decided what.
        """
        self._execution.is_replaying = True

    def place_of(self, number: int) -> str:
        """The place in the code of a decision, as `file.py:12`; "" when it is not known."""
        places = self._function.places
        return shown_position(places[number] if number < len(places) else self._function.position())

    def position(self) -> Position | None:
        """Where the code runs or waits now, as file and line."""
        return self._function.position()

    @property
    def context(self) -> OrchestrationContext | None:
        """What the code sees; None before the execution has started."""
        return self._context

    @property
    def state(self) -> ExecutionState:
        """What the execution has decided and waits for, to be read."""
        return self._execution

    def _set_time(self, now: datetime) -> None:
        if now > self._execution.now:
            self._execution.now = now
        context = self._context
        # not the property: a replay watches whether the code reads it
        if context is not None and now > context._current_utc_datetime:  # noqa: SLF001
            context._current_utc_datetime = now  # noqa: SLF001

    def _take_in(self, event: e.Inbound) -> None:
        kind = type(event)
        # What arrives while it is suspended is in the history already, and is seen on resumption.
        if self._suspended and kind not in _WHILE_SUSPENDED:
            self._held.append(event)
        else:
            self._HANDLERS[kind](self, event)

    def _on_started(self, event: e.ExecutionStarted) -> None:
        if self._context is None:
            self._context = self._context_class(
                self._execution, event, self._input_type, self._history
            )
            self._function.start(self._context)

    def _on_completed(self, event: e.TaskCompleted | e.SubOrchestrationCompleted) -> None:
        task = self._execution.open.pop(event.task_id, None)
        if task is not None:  # else a duplicate, or nothing waits for it
            task.receive(self._execution, event.result)
            self._resume()

    def _on_failed(self, event: e.TaskFailed | e.SubOrchestrationFailed) -> None:
        self._settle(event.task_id, FAILED, Exception(f"{event.reason} \n {event.details}"))

    def _on_timer(self, event: e.TimerFired) -> None:
        self._settle(event.task_id, SUCCEEDED, None)

    def _on_raised(self, event: e.EventRaised) -> None:
        self._arrivals += 1
        self._execution.deliver(event, self._arrivals)
        self._resume()

    def _on_terminated(self, event: e.ExecutionTerminated) -> None:
        self._terminated = self._terminated or event
        self._function.current = NEVER

    def _on_suspended(self, _event: e.ExecutionSuspended) -> None:
        self._suspended = True

    def _on_resumed(self, _event: e.ExecutionResumed) -> None:
        self._suspended = False
        held, self._held = self._held, []
        for waiting in held:
            self._take_in(waiting)

    def _on_rewound(self, _event: e.ExecutionRewound) -> None:
        """The history was rewritten by who rewinds: what it lacks now is decided again, and the
        custom status is that of the code at this point.
        """
        self._shown_status = None

    def _settle(self, task_id: int, state: TaskState, result: Any) -> None:
        task = self._execution.open.pop(task_id, None)
        if task is not None:
            task.settle(self._execution, state, result)
            self._resume()

    def _resume(self) -> None:
        if self._function.current.state is not RUNNING:
            self._function.resume()

    def _is_held(self) -> bool:
        return self._suspended or self._function.awaits_siblings()

    def _outcome(
        self,
    ) -> tuple[list[e.Decision], list[int], e.ExecutionCompleted | e.ContinueAsNew | None]:
        """What to hand out now: decisions, timers to cancel, the ending."""
        execution, now = self._execution, self._execution.now
        # Termination wins over everything: nothing that the code still decides is carried out.
        if self._terminated is not None:
            return (
                [],
                [],
                e.ExecutionCompleted(now, RuntimeStatus.TERMINATED, self._terminated.reason),
            )
        if self._fault is not None:
            return [], [], e.ExecutionCompleted(now, RuntimeStatus.FAILED, self._fault)
        if self._suspended:
            return [], [], None
        if self._function.awaits_siblings():
            return self._take_retries(), [], None
        decisions = [
            # held back in earlier episodes, but events of one episode have its time
            made if made.timestamp is now else replace(made, timestamp=now)
            for made in execution.pending.values()
        ]
        execution.pending.clear()
        cancelled, execution.cancelled = execution.cancelled, []
        return decisions, cancelled, self._ending(now) if self._function.has_ended else None

    def _take_retries(self) -> list[e.Decision]:
        """The pending decisions of tasks that are tried again: the siblings that are waited for
        could not end without them.
        """
        pending, retries = self._execution.pending, self._execution.retries
        return [pending.pop(number) for number in list(pending) if number in retries]

    def _ending(self, now: datetime) -> e.ExecutionCompleted | e.ContinueAsNew | None:
        failure = self._function.failure
        if failure is None and self._context is not None and self._context.will_continue_as_new:
            return e.ContinueAsNew(now, self._context.next_input)
        if self._execution.open:
            return None  # what nothing waits for keeps the instance running (docs/fidelity.md, 17)
        if failure is not None:
            return e.ExecutionCompleted(now, RuntimeStatus.FAILED, failure, self._function.details)
        return e.ExecutionCompleted(now, RuntimeStatus.COMPLETED, self._function.output)

    def _status_after(self, ending: e.ExecutionCompleted | e.ContinueAsNew | None) -> RuntimeStatus:
        if ending is None:
            return RuntimeStatus.SUSPENDED if self._suspended else RuntimeStatus.RUNNING
        return (
            ending.status
            if isinstance(ending, e.ExecutionCompleted)
            else RuntimeStatus.CONTINUED_AS_NEW
        )

    def _take_custom_status(self) -> str | None:
        """The custom status as JSON text when it is another than the one that is shown."""
        if self._context is None or self._context.custom_status is None or self._fault is not None:
            return None
        try:
            text = (
                dumps(self._context.custom_status)
                if self._context.custom_status
                else self._shown_status
            )
            _check_size(text)
        except Exception as error:  # user code: __bool__, to_json
            self._fault = self._function.failure_text(error)
            return None
        if text == self._shown_status:
            return None
        self._shown_status = text
        return text

    def _verify(self, recorded: e.Decision) -> None:
        """Cross a decision off that history has; it is a fault when the code has not made it."""
        number, execution, function = recorded.task_id, self._execution, self._function
        decided = execution.pending.pop(number, None)
        if number < len(function.places):
            where = f"at {shown_position(function.places[number])}"
        else:
            where = "(it has ended)" if function.has_ended else f"(it waits at {function.where()})"
        self._fault = difference(recorded, decided, where)
        if isinstance(recorded, e.EventSent):
            execution.keep_request_id(recorded)

    _HANDLERS: ClassVar[dict[type, Callable[[OrchestratorExecutor, Any], None]]] = {
        e.ExecutionStarted: _on_started,
        e.TaskCompleted: _on_completed,
        e.SubOrchestrationCompleted: _on_completed,
        e.TaskFailed: _on_failed,
        e.SubOrchestrationFailed: _on_failed,
        e.TimerFired: _on_timer,
        e.EventRaised: _on_raised,
        e.ExecutionTerminated: _on_terminated,
        e.ExecutionSuspended: _on_suspended,
        e.ExecutionResumed: _on_resumed,
        e.ExecutionRewound: _on_rewound,
    }


def _check_size(text: str | None) -> None:
    """ValueError for a custom status that the service would refuse: more than 16 KB in UTF-16."""
    if text is not None and len(text) * 2 > CUSTOM_STATUS_KB * 1024:
        size = len(
            json.dumps(json.loads(text), ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        )
        if size > CUSTOM_STATUS_KB * 1024:
            raise ValueError(
                f"a custom status can have {CUSTOM_STATUS_KB} KB as JSON in UTF-16, "
                f"and this one has {-(-size // 1024)} KB"
            )
