"""One execution of a 2.x orchestrator, behind the interface of the engine's own executor.

What suspends and terminates an instance is handled here: its code sees neither, and a suspended
one's events wait. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.executor import STEERING
from durablectl.engine.replay.state import BEFORE_ALL
from durablectl.functionapp.sdk2.runs import Run
from durablectl.history import events as e
from durablectl.model import RuntimeStatus
from durablectl.protocol.failures import FailureDetails, exception_text
from durablectl.protocol.orchestrator import Outcome

_SEEN_AGAIN = e.Decision | e.OrchestratorStarted | e.OrchestratorCompleted


class SdkExecution:
    """One execution of an orchestrator function; see `engine.replay.executor.Execution`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._now = BEFORE_ALL
        self._is_suspended = False
        self._held: list[e.Inbound] = []  # came while suspended
        self._terminated: e.ExecutionTerminated | None = None
        self._shown_status: str | None = None

    def run(self, new: Sequence[e.Inbound], now: datetime) -> Episode:
        self._now = now = max(now, self._now)
        history: list[e.Event] = [e.OrchestratorStarted(now), *new]
        if self._terminated is None:
            self._run.step(now, [seen for event in new for seen in self._visible(event)])
        outcome = self._outcome(now)
        ending = outcome.ending
        status = RuntimeStatus.SUSPENDED if self._is_suspended else RuntimeStatus.RUNNING
        history += outcome.decisions
        if ending is not None:
            history.append(ending)
            status = ending.status
        history.append(e.OrchestratorCompleted(now))
        cancelled, self._run.cancelled = self._run.cancelled, []
        episode = Episode(
            history,
            list(outcome.decisions),
            status,
            self._custom_status(outcome),
            cancelled,
            ending,
            list(outcome.carried_over),
            frozenset(self._run.retried),
            _is_passed_on(outcome.failure),
            outcome.new_version,
            drops_open=True,
        )
        if ending is not None:
            self.close()
        return episode

    def rebuild(self, past: Sequence[e.Event]) -> None:
        seen: list[e.Event] = []
        for event in past:
            if isinstance(event, e.OrchestratorStarted):
                self._now = max(self._now, event.timestamp)
                seen.append(e.OrchestratorStarted(self._now))
            elif isinstance(event, _SEEN_AGAIN):
                seen.append(event)
            elif not isinstance(event, e.ExecutionCompleted | e.ContinueAsNew):
                seen += self._visible(event)
        self._run.replay(seen)

    def close(self) -> None:
        self._run.close()

    def where(self) -> str:
        return self._run.where()

    def awaited_events(self) -> list[str]:
        """The names of the external events that are waited for now, in lower case."""
        return self._run.awaited_events()

    def unused_events(self) -> list[str]:
        """The names of the events that have come and that it has not taken, in lower case."""
        held = [each.name for each in self._held if isinstance(each, e.EventRaised)]
        return [*self._run.unused_events(), *held]

    def _visible(self, event: e.Inbound) -> Sequence[e.Inbound]:
        """What the user's code is shown now of an event that has arrived."""
        if type(event) not in STEERING:
            if self._is_suspended:
                self._held.append(event)
                return ()
            return (event,) if self._terminated is None else ()
        match event:
            case e.ExecutionSuspended():
                self._is_suspended = True
            case e.ExecutionResumed():
                self._is_suspended = False
                held, self._held = self._held, []
                return held
            case e.ExecutionTerminated():
                self._terminated = self._terminated or event
            case _:  # a rewind has rewritten the history, and what it lacks is decided again
                pass
        return ()

    def _outcome(self, now: datetime) -> Outcome:
        if self._terminated is not None:
            reason = self._terminated.reason
            return Outcome(ending=e.ExecutionCompleted(now, RuntimeStatus.TERMINATED, reason))
        if self._is_suspended:
            return Outcome(custom_status=self._shown_status)
        outcome = self._run.outcome(now)
        match outcome.ending:
            case e.ContinueAsNew():
                # As in DurableTask.Core: what was called before it will not be heard.
                sent = tuple(
                    each
                    for each in outcome.decisions
                    if isinstance(each, e.EventSent | e.SubOrchestrationCreated)
                )
                return replace(outcome, decisions=sent)
            case e.ExecutionCompleted() as ending if outcome.failure is not None:
                ending = replace(ending, details=exception_text(outcome.failure))
                return replace(outcome, ending=ending)
        return outcome

    def _custom_status(self, outcome: Outcome) -> str | None:
        """The custom status as JSON text when it is another than the one that is shown."""
        text = outcome.custom_status
        if text == self._shown_status or isinstance(outcome.ending, e.ContinueAsNew):
            return None
        self._shown_status = text
        return "null" if text is None else text


def _is_passed_on(failure: FailureDetails | None) -> bool:
    """Whether an orchestrator failed with what it called, which it did not catch."""
    return failure is not None and failure.error_type.endswith(".TaskFailedError")
