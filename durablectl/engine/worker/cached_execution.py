"""An instance that a worker holds in memory: made from its history, and run; no clock, no store.

User code runs here, and nothing that it raises gets out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from durablectl.engine.registry import Orchestrator, Registry, unknown_function
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.executor import Execution, new_execution
from durablectl.engine.replay.failures import details_of
from durablectl.engine.store.work_items import LoadedInstance
from durablectl.engine.worker.app_output import CURRENT_INSTANCE, REPEATING
from durablectl.engine.worker.outcomes import Failed
from durablectl.history import events as e
from durablectl.model import RuntimeStatus


@dataclass(slots=True)
class CachedExecution:
    """An instance that a worker holds in memory, its generator alive.

    `events` are its complete events, None unless they are to be checked.
    """

    instance: LoadedInstance
    executor: Execution
    events: list[e.Event] | None

    def run(self, events: Sequence[e.Inbound], now: datetime, fault: str | None = None) -> Episode:
        """One episode; with a `fault` the instance fails with it, and its code does not run.

        An episode is never earlier than what it takes in: `now` is read before the work is
        collected, and a result that came in between would seem to follow the call that it led to.
        """
        for event in events:
            if event.timestamp > now:
                now = event.timestamp
        if fault is not None:
            self.events = None  # its code is not run, so there is nothing to repeat
            return _failed_episode(now, events, fault)
        try:
            return self.executor.run(events, now)
        except BaseException as error:  # user code, a KeyboardInterrupt of its own included
            self.events = None
            reason = _failed_with(self.instance.started.name, repr(error))
            return _failed_episode(now, events, reason, details_of(error))


def cached_execution(
    loaded: LoadedInstance, registry: Registry, *, keeps_events: bool
) -> tuple[CachedExecution, str | None]:
    """An instance in memory, its generator where the history left it; and why it has to fail, if
    it cannot be brought there.
    """
    started, fault = loaded.started, None
    orchestrator = registry.orchestrators.get(started.name)
    if orchestrator is None:
        unknown = unknown_function(started.name, "orchestrator", registry.orchestrators.names)
        fault = _failed_with(started.name, unknown)
        orchestrator = Orchestrator(started.name, lambda _context: None)
    executor = new_execution(orchestrator, loaded.instance_id, loaded.execution_id)
    if loaded.past:
        CURRENT_INSTANCE.set(REPEATING)
        try:
            executor.rebuild(loaded.past)
        except BaseException as error:  # user code
            fault = _failed_with(started.name, repr(error))
    past, loaded.past = loaded.past, []  # the executor has what it needs of it
    return CachedExecution(loaded, executor, past if keeps_events else None), fault


def _failed_with(name: str, reason: str) -> str:
    return f"Orchestrator function '{name}' failed: {reason}"


def _failed_episode(
    now: datetime, new: Sequence[e.Inbound], reason: str, details: str | None = None
) -> Episode:
    """The episode of an instance that cannot continue: it fails with `reason`, whatever came in."""
    ending = e.ExecutionCompleted(now, RuntimeStatus.FAILED, reason, details)
    history: list[e.Event] = [
        e.OrchestratorStarted(now),
        *new,
        ending,
        e.OrchestratorCompleted(now),
    ]
    return Episode(history, [], RuntimeStatus.FAILED, ending=ending)


def failures_of(
    instance_id: str, events: Sequence[e.Inbound], episode: Episode
) -> Iterator[Failed]:
    """The failures that an episode of an instance has heard of or made."""
    ending = episode.ending
    text = (
        (ending.result or "")
        if isinstance(ending, e.ExecutionCompleted) and ending.status is RuntimeStatus.FAILED
        else None
    )
    for event in events:
        if isinstance(event, e.TaskFailed):
            yield Failed(
                "activity",
                instance_id,
                event.reason,
                event.details,
                is_tried_again=event.task_id in episode.retried,
                ends_instance=text is not None and event.reason in text,
            )
    if text is not None:
        details = ending.details if isinstance(ending, e.ExecutionCompleted) else None
        is_passed_on = episode.is_passed_on or '"StackTraceString"' in text
        yield Failed("orchestrator", instance_id, text, details, is_passed_on=is_passed_on)
