"""From an episode to the rows that make it durable; pure: no clock, no I/O, no store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from durablectl.engine.failures import (
    Failed,
    child_details,
    failure_details,
    structured_reason,
)
from durablectl.engine.registry import Registry, unknown_function
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.execution import Execution
from durablectl.engine.store.instances import NewInstance
from durablectl.engine.store.work_items import (
    ActivityItem,
    Child,
    Commit,
    Continuation,
    EntityRequest,
    Operation,
)
from durablectl.engine.worker.entities import EntityAction, OperationResult, SentSignal
from durablectl.history.columns import STATUS_NUMBERS, micros
from durablectl.history.events import (
    ContinueAsNew,
    Event,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    Inbound,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
    SubOrchestrationCompleted,
    SubOrchestrationCreated,
    SubOrchestrationFailed,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from durablectl.history.stored import encode_episode, encode_event
from durablectl.model import EntityId, RuntimeStatus
from durablectl.wire import time_from_text


@dataclass(slots=True)
class CachedExecution:
    """An instance that a worker holds in memory, its generator alive.

    `events` are its complete events, None unless they are to be checked.
    """

    key: int
    instance_id: str
    execution_id: str
    name: str
    executor: Execution
    root: int
    parent: int | None
    caller: ParentInstance | None
    next_sequence: int
    status: RuntimeStatus
    events: list[Event] | None = None


@dataclass(slots=True)
class CommitBuilder:
    """Adds episodes to the rows of one commit.

    `claim` says for an activity's name which worker has it: this one's key, or None for any.

    A call of a function that `registry` does not know fails. `dispatch` collects the activities
    that this worker runs after the commit.
    """

    rows: Commit
    now: datetime
    claim: Callable[[str], int | None]
    registry: Registry
    dispatch: list[ActivityItem]
    at: int = field(init=False)

    def __post_init__(self) -> None:
        self.at = micros(self.now)

    def add(self, held: CachedExecution, episode: Episode) -> None:
        """Plan what `episode` of `held` writes, and bring `held` up to date with it."""
        at = self.at
        self.rows.history.append(
            (held.key, held.next_sequence, at, encode_episode(episode.history, self.now))
        )
        held.next_sequence += 1
        if episode.custom_status is not None:
            self.rows.custom_statuses.append((episode.custom_status, held.key))
        for decision in episode.decisions:
            _DECISIONS[type(decision)](self, held, decision, at)
        for timer in episode.cancelled_timers:
            self.rows.cancelled.append((held.key, timer))
        if episode.ending is not None:
            self._end(held, episode, at)
        elif episode.status is held.status:
            self.rows.updated.append((at, held.key))
        else:
            self.rows.status_changes.append((STATUS_NUMBERS[episode.status], at, held.key))
        held.status = episode.status

    def _end(self, held: CachedExecution, episode: Episode, at: int) -> None:
        ending = episode.ending
        if isinstance(ending, ContinueAsNew):
            self.rows.history.pop()
            carried = tuple(
                (micros(event.timestamp), encode_event(event)) for event in episode.carried_over
            )
            self.rows.continuations.append(
                Continuation(held.key, str(uuid4()), at, ending.input, carried, episode.version)
            )
            return
        assert isinstance(ending, ExecutionCompleted)
        output = (
            ending.result
            if ending.status is RuntimeStatus.COMPLETED
            else _text_output(ending.result)
        )
        self.rows.ended.append((STATUS_NUMBERS[ending.status], at, output, held.key))
        if ending.status is not RuntimeStatus.COMPLETED:
            self.rows.cleaned_up.append((held.key,))
        elif episode.drops_open:
            self.rows.swept.append((held.key,))
        if held.parent is not None and held.caller is not None:
            answer = encode_event(_answer(self.now, held.caller.task_id, ending))
            self.rows.answers.append((held.parent, held.caller.execution_id, at, answer))

    def _schedule(self, held: CachedExecution, decision: TaskScheduled, at: int) -> None:
        worker = self.claim(decision.name)
        row = (
            held.key,
            decision.task_id,
            held.execution_id,
            decision.name,
            decision.input,
            at,
            worker,
        )
        self.rows.activities.append(row)
        if worker is not None:
            call = (decision.task_id, decision.name, decision.input)
            self.dispatch.append(
                ActivityItem(held.key, held.execution_id, *call, worker, held.instance_id)
            )

    def _create_timer(self, held: CachedExecution, decision: TimerCreated, at: int) -> None:
        due = micros(decision.fire_at)
        fired = encode_event(TimerFired(self.now, decision.task_id, decision.fire_at))
        # Due already: visible at once, but never before what the instance has been sent (point 41:
        # still a pair of events).
        self.rows.timers.append(
            (held.key, max(due, 1), at, fired, held.execution_id, decision.task_id)
        )

    def _call_sub_orchestrator(
        self, held: CachedExecution, decision: SubOrchestrationCreated, at: int
    ) -> None:
        if self.registry.orchestrators.get(decision.name) is None:
            reason = unknown_function(
                decision.name, "orchestrator", self.registry.orchestrators.names
            )
            failed = encode_event(SubOrchestrationFailed(self.now, decision.task_id, reason))
            self.rows.answers.append((held.key, held.execution_id, at, failed))
            return
        version = (
            decision.version if decision.version is not None else self.registry.default_version
        )
        self.rows.children.append(
            Child(
                held.key,
                held.execution_id,
                decision.task_id,
                held.root,
                decision.instance_id,
                decision.name,
                version,
                decision.input,
                at,
            )
        )

    def _send(self, held: CachedExecution, decision: EventSent, at: int) -> None:
        if not decision.instance_id.startswith("@"):
            raised = encode_event(EventRaised(self.now, decision.name, decision.input))
            self.rows.events.append((decision.instance_id, at, raised))
            return
        text = decision.input or "{}"
        name = EntityId.parse(decision.instance_id).name
        if self.registry.entities.get(name) is not None:
            due = _due(text) if decision.name.startswith("op@") else None
            self.rows.requests.append(
                EntityRequest(decision.instance_id, text, at, held.key, held.execution_id, due)
            )
            return
        request = json.loads(text)
        if not request.get("signal"):
            reason = unknown_function(name, "entity", self.registry.entities.names)
            reply = json.dumps({"result": json.dumps(reason), "exceptionType": "FunctionNotFound"})
            answer = encode_event(EventRaised(self.now, request["id"], reply))
            self.rows.answers.append((held.key, held.execution_id, at, answer))


_DECISIONS: dict[type, Callable[..., None]] = {
    TaskScheduled: CommitBuilder._schedule,  # noqa: SLF001
    TimerCreated: CommitBuilder._create_timer,  # noqa: SLF001
    SubOrchestrationCreated: CommitBuilder._call_sub_orchestrator,  # noqa: SLF001
    EventSent: CommitBuilder._send,  # noqa: SLF001
}


def send_from_entity(rows: Commit, action: EntityAction, registry: Registry, now: datetime) -> None:
    """Plan what an operation of an entity sends: a signal, which is dropped where the app does not
    have the entity, or the start of an orchestration.
    """
    at, due = micros(now), None if action.due is None else micros(action.due)
    if isinstance(action, SentSignal):
        if registry.entities.get(EntityId.parse(action.entity_id).name) is not None:
            request = {"op": action.operation, "signal": True, "input": action.input}
            rows.requests.append(EntityRequest(action.entity_id, json.dumps(request), at, due=due))
        return
    version = registry.default_version if action.version is None else action.version
    rows.starts.append(NewInstance(action.instance_id, action.name, action.input, version, at, due))


def _due(request: str) -> int | None:
    """When a message that waits for a time becomes visible."""
    return micros(time_from_text(json.loads(request)["due"]))


def failed_episode(
    now: datetime, new: Sequence[Inbound], reason: str, details: str | None = None
) -> Episode:
    """The episode of an instance that cannot continue: it fails with `reason`, whatever came in."""
    ending = ExecutionCompleted(now, RuntimeStatus.FAILED, reason, details)
    history: list[Event] = [OrchestratorStarted(now), *new, ending, OrchestratorCompleted(now)]
    return Episode(history, [], RuntimeStatus.FAILED, ending=ending)


def failures_of(
    held: CachedExecution, events: Sequence[Inbound], episode: Episode
) -> Iterator[Failed]:
    """The failures that an episode of an instance has heard of or made."""
    ending = episode.ending
    text = (
        (ending.result or "")
        if isinstance(ending, ExecutionCompleted) and ending.status is RuntimeStatus.FAILED
        else None
    )
    for event in events:
        if isinstance(event, TaskFailed):
            yield Failed(
                "activity",
                held.instance_id,
                event.reason,
                event.details,
                is_tried_again=event.task_id in episode.retried,
                ends_instance=text is not None and event.reason in text,
            )
    if text is not None:
        details = ending.details if isinstance(ending, ExecutionCompleted) else None
        is_passed_on = episode.is_passed_on or '"StackTraceString"' in text
        yield Failed("orchestrator", held.instance_id, text, details, is_passed_on=is_passed_on)


def entity_reply(outcome: OperationResult) -> str:
    """What the caller of an entity gets, in the form of the original's ResponseMessage."""
    if outcome.error is None:
        return json.dumps({"result": outcome.result})
    failure = outcome.failure or failure_details(outcome.details)
    return json.dumps(
        {"result": outcome.result, "exceptionType": outcome.error}
        | ({"failureDetails": failure} if failure else {})
    )


def failed_operations(
    failed: Iterable[tuple[int, Operation, OperationResult]], now: datetime
) -> str:
    """Failed operations, each with a number that no other one of the entity has, as the episode
    that the entity keeps of them.
    """
    events: list[Event] = []
    for number, operation, outcome in failed:
        events += [
            TaskScheduled(now, number, operation.name, operation.input),
            TaskFailed(now, number, outcome.reason, outcome.details),
        ]
    return encode_episode(events, now)


def _answer(
    now: datetime, task_id: int, ending: ExecutionCompleted
) -> SubOrchestrationCompleted | SubOrchestrationFailed:
    if ending.status is RuntimeStatus.COMPLETED:
        return SubOrchestrationCompleted(now, task_id, ending.result)
    # A failed child says more in its details; a terminated one does not
    # (TaskOrchestrationDispatcher.cs; recorded: engine.json).
    if (reason := structured_reason(ending.result, ending.details)) is not None:
        return SubOrchestrationFailed(now, task_id, reason, ending.details)
    details = (
        child_details(ending.result, ending.details)
        if ending.status is RuntimeStatus.FAILED
        else None
    )
    return SubOrchestrationFailed(now, task_id, ending.result or "", details)


def _text_output(text: str | None) -> str | None:
    return None if text is None else json.dumps(text)
