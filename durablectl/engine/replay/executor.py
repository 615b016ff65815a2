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
from typing import Any, ClassVar, Protocol, cast

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.context import OrchestrationContext
from durablectl.engine.replay.episode import Ending, Episode
from durablectl.engine.replay.function import OrchestratorFunction
from durablectl.engine.replay.nondeterminism import difference, identity
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import FAILED, NEVER, RUNNING, SUCCEEDED, TaskState
from durablectl.history import events as e
from durablectl.history.events import DECISIONS
from durablectl.model import RuntimeStatus
from durablectl.payload import dumps

CUSTOM_STATUS_KB = 16
"""How much an orchestrator may show of itself, as JSON in UTF-16."""

STEERING = frozenset(
    {e.ExecutionSuspended, e.ExecutionResumed, e.ExecutionTerminated, e.ExecutionRewound}
)
"""What a suspended instance takes in at once; the rest waits until it is resumed."""


class Execution(Protocol):
    """One execution of an orchestrator function, whichever SDK its code is written for."""

    def run(self, new: Sequence[e.Inbound], now: datetime) -> Episode:
        """One episode: take in what arrived and say what follows."""

    def rebuild(self, past: Sequence[e.Event]) -> None:
        """Bring a fresh execution to where its history has left it."""

    def close(self) -> None:
        """End the user's code. Idempotent."""

    def where(self) -> str:
        """The place in the orchestrator function that runs or waits now, as `file.py:12`; "" when
        it has none. For any thread.
        """


def new_execution(orchestrator: Orchestrator, instance_id: str, execution_id: str) -> Execution:
    """A fresh execution of a function, which has seen nothing yet."""
    if orchestrator.begin is not None:
        begun: Execution = orchestrator.begin(instance_id, execution_id)
        return begun
    return OrchestratorExecutor(orchestrator, instance_id, execution_id)


class OrchestratorExecutor:
    """One execution of an orchestrator function, in this engine's own context.

    `run` and `rebuild` let KeyboardInterrupt through; the execution is of no use then, and nothing
    of it has happened. `function` is the code as it runs, `state` what it has decided and waits
    for, `context` what it sees: None before the execution has started. All three are to be read.
    """

    __slots__ = (
        "_arrivals",
        "_context_class",
        "_fault",
        "_held",
        "_history",
        "_input_type",
        "_shown_status",
        "_suspended",
        "_terminated",
        "context",
        "function",
        "state",
    )

    def __init__(
        self,
        orchestrator: Orchestrator,
        instance_id: str,
        execution_id: str,
        *,
        context_class: Callable[..., OrchestrationContext] = OrchestrationContext,
    ) -> None:
        self.state = ExecutionState(instance_id, execution_id)
        self.function = OrchestratorFunction(orchestrator, self.state)
        self.context: OrchestrationContext | None = None
        self._context_class = context_class
        self._input_type = orchestrator.input_type
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
        state = self.state
        self._set_time(now)
        # Before the code runs: `context.histories` has to show what wakes it.
        history: list[e.Event] = [e.OrchestratorStarted(state.now), *new]
        self._history += history
        if self._fault is None:
            for event in new:
                self._take_in(event)
        status = RuntimeStatus.SUSPENDED if self._suspended else RuntimeStatus.RUNNING
        episode = Episode(history, [], status, self._take_custom_status())
        episode.decisions, episode.cancelled_timers, episode.ending = self._outcome()
        episode.is_passed_on = self.function.is_passed_on
        if state.retried:
            episode.retried = frozenset(state.retried)
            state.retried.clear()
        made: list[e.Event] = [*episode.decisions]
        if episode.ending is not None:
            made.append(episode.ending)
            episode.status = episode.ending.status
            if isinstance(episode.ending, e.ContinueAsNew):
                episode.carried_over = state.unconsumed()
            self.close()
        made.append(e.OrchestratorCompleted(state.now))
        self._history += made
        history += made
        return episode

    def rebuild(self, past: Sequence[e.Event]) -> None:
        """Bring a fresh execution to where its history has left it.

        A history that the code does not match fails the next episode.
        """
        self._history += past
        self.state.is_replaying = True
        for event in past:
            kind = type(event)
            if kind in DECISIONS:
                self._verify(cast(e.Decision, event))
            elif kind is e.OrchestratorStarted:
                self._set_time(event.timestamp)
            elif kind is e.OrchestratorCompleted:
                self._take_custom_status()
                self.state.retried.clear()
                if not (self._suspended or self.function.awaits_siblings()):
                    # What was taken out of the history is decided again: cancelled it stays.
                    self.state.cancelled = [
                        number for number in self.state.cancelled if number in self.state.pending
                    ]
            elif kind in self._HANDLERS:
                self._take_in(cast(e.Inbound, event))
            if self._fault is not None:
                break
        self.function.places.clear()
        self.state.is_replaying = False

    def close(self) -> None:
        """End the generator.

        What its `finally` blocks ask for is dropped, what they raise is swallowed. Idempotent.
        """
        self.function.close()
        self.state.clear()

    def unused_events(self) -> list[str]:
        """The names of the events that have come and that the function has not taken."""
        held = (each for each in self._held if isinstance(each, e.EventRaised))
        return [each.name for each in (*self.state.unconsumed(), *held)]

    def where(self) -> str:
        return self.function.where()

    def follow(self) -> None:
        """Take each coming episode as one that has been before: the code sees `is_replaying`, and
        the function's `place_of` knows where it decided what.
        """
        self.state.is_replaying = True

    def _set_time(self, now: datetime) -> None:
        if now > self.state.now:
            self.state.now = now
        context = self.context
        # not the property: a replay watches whether the code reads it
        if context is not None and now > context._current_utc_datetime:  # noqa: SLF001
            context._current_utc_datetime = now  # noqa: SLF001

    def _take_in(self, event: e.Inbound) -> None:
        kind = type(event)
        # What arrives while it is suspended is in the history already, and is seen on resumption.
        if self._suspended and kind not in STEERING:
            self._held.append(event)
        else:
            self._HANDLERS[kind](self, event)

    def _on_started(self, event: e.ExecutionStarted) -> None:
        if self.context is None:
            self.context = self._context_class(self.state, event, self._input_type, self._history)
            self.function.start(self.context)

    def _on_completed(self, event: e.TaskCompleted | e.SubOrchestrationCompleted) -> None:
        task = self.state.open.pop(event.task_id, None)
        if task is not None:  # else a duplicate, or nothing waits for it
            task.receive(self.state, event.result)
            self._resume()

    def _on_failed(self, event: e.TaskFailed | e.SubOrchestrationFailed) -> None:
        self._settle(event.task_id, FAILED, Exception(f"{event.reason} \n {event.details}"))

    def _on_timer(self, event: e.TimerFired) -> None:
        self._settle(event.task_id, SUCCEEDED, None)

    def _on_raised(self, event: e.EventRaised) -> None:
        self._arrivals += 1
        self.state.deliver(event, self._arrivals)
        self._resume()

    def _on_terminated(self, event: e.ExecutionTerminated) -> None:
        self._terminated = self._terminated or event
        self.function.current = NEVER

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
        task = self.state.open.pop(task_id, None)
        if task is not None:
            task.settle(self.state, state, result)
            self._resume()

    def _resume(self) -> None:
        if self.function.current.state is not RUNNING:
            self.function.resume()

    def _outcome(self) -> tuple[list[e.Decision], list[int], Ending]:
        """What to hand out now: decisions, timers to cancel, the ending."""
        state, now = self.state, self.state.now
        # Termination wins over everything: nothing that the code still decides is carried out.
        if self._terminated is not None:
            reason = self._terminated.reason
            return [], [], e.ExecutionCompleted(now, RuntimeStatus.TERMINATED, reason)
        if self._fault is not None:
            return [], [], e.ExecutionCompleted(now, RuntimeStatus.FAILED, self._fault)
        if self._suspended:
            return [], [], None
        if self.function.awaits_siblings():
            return self._take_retries(), [], None
        decisions = [
            # held back in earlier episodes, but events of one episode have its time
            made if made.timestamp is now else replace(made, timestamp=now)
            for made in state.pending.values()
        ]
        state.pending.clear()
        cancelled, state.cancelled = state.cancelled, []
        return decisions, cancelled, self._ending(now) if self.function.has_ended else None

    def _take_retries(self) -> list[e.Decision]:
        """The pending decisions of tasks that are tried again: the siblings that are waited for
        could not end without them.
        """
        pending, retries = self.state.pending, self.state.retries
        return [pending.pop(number) for number in list(pending) if number in retries]

    def _ending(self, now: datetime) -> Ending:
        failure = self.function.failure
        if failure is None and self.context is not None and self.context.will_continue_as_new:
            return e.ContinueAsNew(now, self.context.next_input)
        if self.state.open:
            return None  # what nothing waits for keeps the instance running (docs/fidelity.md, 17)
        if failure is not None:
            return e.ExecutionCompleted(now, RuntimeStatus.FAILED, failure, self.function.details)
        return e.ExecutionCompleted(now, RuntimeStatus.COMPLETED, self.function.output)

    def _take_custom_status(self) -> str | None:
        """The custom status as JSON text when it is another than the one that is shown."""
        if self.context is None or self.context.custom_status is None or self._fault is not None:
            return None
        try:
            text = (
                dumps(self.context.custom_status)
                if self.context.custom_status
                else self._shown_status
            )
            _check_size(text)
        except Exception as error:  # user code: __bool__, to_json
            self._fault = self.function.failure_text(error)
            return None
        if text == self._shown_status:
            return None
        self._shown_status = text
        return text

    def _verify(self, recorded: e.Decision) -> None:
        """Cross a decision off that history has; it is a fault when the code has not made it."""
        decided = self.state.pending.pop(recorded.task_id, None)
        if decided is None or identity(recorded) != identity(decided):
            self._fault = difference(recorded, decided, self._place_of(recorded.task_id))
        if isinstance(recorded, e.EventSent):
            self.state.keep_request_id(recorded)

    def _place_of(self, number: int) -> str:
        function = self.function
        if number < len(function.places):
            return f"at {function.place_of(number)}"
        return "(it has ended)" if function.has_ended else f"(it waits at {function.where()})"

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
