"""A complete history, made of one that lacks task ids or has numbers of its own; no clock, no I/O.

The code of now runs along the history, as in a replay, and gives its decisions their numbers. What
the history has of a decision (ids of children and requests, times of timers) stays.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.exact import follow_complete
from durablectl.engine.replay.following import FollowedExecution
from durablectl.engine.replay.guided import NEEDS_COMPLETE, cannot_judge
from durablectl.engine.replay.nondeterminism import identity
from durablectl.engine.replay.reconstructed import follow_reconstructed
from durablectl.errors import UsageError
from durablectl.history.events import (
    Decision,
    Event,
    EventSent,
    ExecutionCompleted,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCreated,
    TimerCreated,
)
from durablectl.history.exported import RawHistory
from durablectl.history.saved import History
from durablectl.history.verdict import Judgement
from durablectl.model import RuntimeStatus


def completed(
    history: History, orchestrator: Orchestrator | None, *, force: bool = False
) -> RawHistory:
    """The history with the numbers of this engine: as it is when it has them.

    `UsageError` when the code is needed and not there, when it does not fit, and, unless `force`,
    when the history proves too little. KeyboardInterrupt goes through.
    """
    if isinstance(history, RawHistory) and not history.is_foreign:
        return history
    if orchestrator is None:
        raise UsageError(
            f"the history of instance '{history.instance_id}' lacks the numbers of its tasks, and "
            f"the app that could tell them has no orchestrator '{history.name}'",
            hint="name the app that ran it: --app PATH",
        )
    if orchestrator.begin is not None:
        raise UsageError(
            f"the history of instance '{history.instance_id}' cannot be completed: "
            f"{NEEDS_COMPLETE}",
            hint="on a local hub: durablectl history ID --raw > FILE",
        )
    doubt = cannot_judge(history)
    if doubt is not None and not force:
        raise _unknown(history, doubt)
    if isinstance(history, RawHistory):
        followed = follow_complete(history, orchestrator)
        recorded = _by_identity(followed.events, history.events)
        ending = next((e for e in history.events if isinstance(e, ExecutionCompleted)), None)
        place = None if ending is None else history.events.index(ending)
    else:
        followed = follow_reconstructed(history, orchestrator)
        timeline = followed.timeline
        recorded = {each.made: each.decision for each in timeline.proofs if each.made is not None}
        ending = timeline.ending if isinstance(timeline.ending, ExecutionCompleted) else None
        place = timeline.ending_event
    followed.execution.close()
    events = _checked(history, followed, ending, place, force=force)
    # the ids of children and requests are what other instances know
    made = tuple(_as_recorded(event, recorded) for event in events)
    # no execution id: who imports it gives it one
    return RawHistory(history.instance_id, "", history.name, made)


def _unknown(history: History, doubt: str) -> UsageError:
    return UsageError(
        f"the history of instance '{history.instance_id}' cannot be completed: {doubt}",
        hint="--force imports what the code makes of it",
    )


def _checked(
    history: History,
    followed: FollowedExecution,
    ending: ExecutionCompleted | None,
    place: int | None,
    *,
    force: bool,
) -> Sequence[Event]:
    """The events that the code made, with the recorded ending; `UsageError` when they do not
    fit.
    """
    verdict = followed.verdict
    if verdict.judgement is Judgement.CANNOT_JUDGE and not force:
        raise _unknown(history, verdict.reason)
    if verdict.judgement is Judgement.BREAKS:
        # it may fit up to where the instance failed, and not fail there any more
        if ending is None or ending.status is not RuntimeStatus.FAILED or verdict.event != place:
            raise UsageError(
                f"the code does not fit the history of instance '{history.instance_id}': "
                f"{verdict.sentence}",
                hint="name the version of the app that ran it: --app PATH",
            )
        return _failed_before(followed.events, ending)
    if ending is None:
        return followed.events
    # a failure's text is that of its hub
    return [ending if isinstance(event, ExecutionCompleted) else event for event in followed.events]


def _failed_before(events: Sequence[Event], ending: ExecutionCompleted) -> list[Event]:
    """The events up to the last episode, which ends as it was recorded: what the fixed code decides
    there has not happened.
    """
    last = max(at for at, event in enumerate(events) if isinstance(event, OrchestratorStarted))
    rest = [
        event
        for event in events[last:]
        if not isinstance(event, Decision | ExecutionCompleted | OrchestratorCompleted)
    ]
    return [*events[:last], *rest, ending, OrchestratorCompleted(ending.timestamp)]


def _as_recorded(event: Event, recorded: dict[int, Decision]) -> Event:
    """A decision of the code with what the history has of it."""
    match event, recorded.get(getattr(event, "task_id", -1)):
        case SubOrchestrationCreated(), SubOrchestrationCreated() as found:
            return replace(event, instance_id=found.instance_id)
        case EventSent(), EventSent() as found:
            return replace(event, input=found.input)
        case TimerCreated(), TimerCreated() as found:
            return replace(event, fire_at=found.fire_at)
    return event


def _by_identity(made: Sequence[Event], recorded: Sequence[Event]) -> dict[int, Decision]:
    """The decisions that a complete history has, by the numbers that the code gives them: those of
    one kind and name in their order.
    """
    waiting: dict[object, deque[Decision]] = defaultdict(deque)
    for event in recorded:
        if isinstance(event, Decision):
            waiting[identity(event)].append(event)
    return {
        event.task_id: waiting[identity(event)].popleft()
        for event in made
        if isinstance(event, Decision) and waiting[identity(event)]
    }
