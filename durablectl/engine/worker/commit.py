"""From an episode to the rows that make it durable; pure: no clock, no I/O, no store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from durablectl.engine.registry import Registry, unknown_function
from durablectl.engine.replay.episode import Episode
from durablectl.engine.store.instances import CallingTask, NewInstance
from durablectl.engine.store.work_items import (
    ActivityItem,
    Commit,
    Continuation,
    EntityBatch,
    EntityRequest,
    LoadedInstance,
    Operation,
)
from durablectl.engine.worker.entities import EntityBatchResult, OperationResult
from durablectl.engine.worker.outcomes import Failed, child_answer, entity_reply
from durablectl.history import events as e
from durablectl.history.columns import STATUS_NUMBERS, micros
from durablectl.history.entity_actions import EntityAction, SentSignal
from durablectl.history.stored import encode_episode, encode_event
from durablectl.model import EntityId, RuntimeStatus
from durablectl.wire import time_from_text

MOST_FAILURES = 10  # that an entity keeps of one batch


@dataclass(slots=True)
class CommitBuilder:
    """Adds episodes to the rows of one commit.

    `claim` says for an activity's name which worker has it: this one's key, or None for any.

    A call of a function that `registry` does not know fails. `dispatch` collects the activities
    that this worker runs after the commit.
    """

    now: datetime
    claim: Callable[[str], int | None]
    registry: Registry
    rows: Commit = field(default_factory=Commit)
    dispatch: list[ActivityItem] = field(default_factory=list)
    at: int = field(init=False)

    def __post_init__(self) -> None:
        self.at = micros(self.now)

    def add(self, instance: LoadedInstance, episode: Episode) -> None:
        """Plan what `episode` of `instance` writes, and bring `instance` up to date with it."""
        at = self.at
        began = episode.history[0].timestamp  # not always `now`: see CachedExecution.run
        self.rows.history.append(
            (
                instance.key,
                instance.next_sequence,
                at if began is self.now else micros(began),
                encode_episode(episode.history, began),
            )
        )
        instance.next_sequence += 1
        if episode.custom_status is not None:
            self.rows.custom_statuses.append((episode.custom_status, instance.key))
        for decision in episode.decisions:
            _DECISIONS[type(decision)](self, instance, decision)
        for timer in episode.cancelled_timers:
            self.rows.cancelled.append((instance.key, timer))
        if episode.ending is not None:
            self._end(instance, episode)
        elif episode.status is instance.status:
            self.rows.updated.append((at, instance.key))
        else:
            self.rows.status_changes.append((STATUS_NUMBERS[episode.status], at, instance.key))
        instance.status = episode.status

    def add_batch(self, batch: EntityBatch, result: EntityBatchResult) -> list[Failed]:
        """Plan what a batch of operations of an entity writes; the operations that failed."""
        rows, at = self.rows, self.at
        rows.consumed.extend((key,) for key in batch.keys)
        rows.entity_states.append((result.state, at, batch.instance))
        rows.updated.append((at, batch.instance))
        for caller, outcome in zip(batch.callers, result.results, strict=True):
            if caller is not None:
                reply = e.EventRaised(self.now, caller.request_id, entity_reply(outcome))
                answer = encode_event(reply)
                rows.answers.append((caller.instance, caller.execution_id, at, answer))
        for action in result.actions:
            self._send_from_entity(action)
        done = zip(batch.keys, batch.operations, result.results, strict=True)
        if not (failed := [each for each in done if each[2].error is not None]):
            return []
        kept = _failed_operations(failed[-MOST_FAILURES:], self.now)
        rows.entity_failures.append((batch.instance, at, kept))
        return [
            Failed("entity", batch.entity_id, outcome.reason, outcome.details, operation.name)
            for _, operation, outcome in failed
        ]

    def return_result(self, item: ActivityItem, event: e.TaskCompleted | e.TaskFailed) -> None:
        """Plan that the result of an activity, whose instance this worker does not hold, goes to
        the inbox, if the activity still is this worker's.
        """
        at, text = micros(event.timestamp), encode_event(event)
        self.rows.orphaned_results.append(
            (item.instance, item.execution_id, at, text, item.task_id, item.worker)
        )

    def _end(self, instance: LoadedInstance, episode: Episode) -> None:
        ending, at = episode.ending, self.at
        if isinstance(ending, e.ContinueAsNew):
            self.rows.history.pop()
            carried = tuple(
                (micros(event.timestamp), encode_event(event)) for event in episode.carried_over
            )
            self.rows.continuations.append(
                Continuation(instance.key, str(uuid4()), at, ending.input, carried, episode.version)
            )
            return
        assert isinstance(ending, e.ExecutionCompleted)
        output = ending.result
        if ending.status is not RuntimeStatus.COMPLETED and output is not None:
            output = json.dumps(output)  # a text
        self.rows.ended.append((STATUS_NUMBERS[ending.status], at, output, instance.key))
        if ending.status is not RuntimeStatus.COMPLETED:
            self.rows.cleaned_up.append((instance.key,))
            if ending.status is RuntimeStatus.TERMINATED:
                self._end_called(instance, episode)
        elif episode.drops_open:
            self.rows.swept.append((instance.key,))
        caller = instance.started.parent
        if instance.parent is not None and caller is not None:
            answer = encode_event(child_answer(self.now, caller.task_id, ending))
            self.rows.answers.append((instance.parent, caller.execution_id, at, answer))

    def _end_called(self, instance: LoadedInstance, episode: Episode) -> None:
        """End what the instance called after a recursive termination had been asked for: an episode
        that was under way then did not know of it.
        """
        for event in episode.history:
            if isinstance(event, e.ExecutionTerminated) and event.recurse:
                self.rows.terminated.append((instance.key, event))
                return

    def _schedule(self, instance: LoadedInstance, decision: e.TaskScheduled) -> None:
        key, execution_id = instance.key, instance.execution_id
        task_id, name, input = decision.task_id, decision.name, decision.input
        worker = self.claim(name)
        self.rows.activities.append((key, task_id, execution_id, name, input, self.at, worker))
        if worker is not None:
            self.dispatch.append(
                ActivityItem(key, execution_id, task_id, name, input, worker, instance.instance_id)
            )

    def _create_timer(self, instance: LoadedInstance, decision: e.TimerCreated) -> None:
        due = micros(decision.fire_at)
        fired = encode_event(e.TimerFired(self.now, decision.task_id, decision.fire_at))
        # Due already: visible at once, but never before what the instance has been sent (point 41:
        # still a pair of events).
        self.rows.timers.append(
            (instance.key, max(due, 1), self.at, fired, instance.execution_id, decision.task_id)
        )

    def _call_sub_orchestrator(
        self, instance: LoadedInstance, decision: e.SubOrchestrationCreated
    ) -> None:
        orchestrators = self.registry.orchestrators
        if orchestrators.get(decision.name) is None:
            reason = unknown_function(decision.name, "orchestrator", orchestrators.names)
            failed = encode_event(e.SubOrchestrationFailed(self.now, decision.task_id, reason))
            self.rows.answers.append((instance.key, instance.execution_id, self.at, failed))
            return
        version = self.registry.default_version if decision.version is None else decision.version
        self.rows.children.append(
            NewInstance(
                decision.instance_id,
                decision.name,
                decision.input,
                version,
                self.at,
                tags=instance.tags,  # as in DTFx (TaskOrchestrationDispatcher.cs, MergeTags)
                generation=None,
                caller=CallingTask(
                    instance.key, instance.execution_id, decision.task_id, instance.root
                ),
            )
        )

    def _send(self, instance: LoadedInstance, decision: e.EventSent) -> None:
        rows, at = self.rows, self.at
        if not decision.instance_id.startswith("@"):
            raised = encode_event(e.EventRaised(self.now, decision.name, decision.input))
            rows.events.append((decision.instance_id, at, raised))
            return
        text, sender = decision.input or "{}", (instance.key, instance.execution_id)
        name, entities = EntityId.parse(decision.instance_id).name, self.registry.entities
        if entities.get(name) is not None:
            due = _due(text) if decision.name.startswith("op@") else None
            rows.requests.append(EntityRequest(decision.instance_id, text, at, *sender, due))
            return
        request = json.loads(text)
        if "lockset" in request:  # the SDK takes any answer for the lock: it waits for a worker
            rows.requests.append(EntityRequest(decision.instance_id, text, at, *sender))
        elif not request.get("signal"):
            reason = unknown_function(name, "entity", entities.names)
            reply = json.dumps({"result": json.dumps(reason), "exceptionType": "FunctionNotFound"})
            answer = encode_event(e.EventRaised(self.now, request["id"], reply))
            rows.answers.append((*sender, at, answer))

    def _send_from_entity(self, action: EntityAction) -> None:
        """Plan what an operation of an entity sends: a signal, which is dropped where the app does
        not have the entity, or the start of an orchestration.
        """
        due = None if action.due is None else micros(action.due)
        if isinstance(action, SentSignal):
            if self.registry.entities.get(EntityId.parse(action.entity_id).name) is not None:
                signal = {"op": action.operation, "signal": True, "input": action.input}
                request = EntityRequest(action.entity_id, json.dumps(signal), self.at, due=due)
                self.rows.requests.append(request)
            return
        version = self.registry.default_version if action.version is None else action.version
        self.rows.starts.append(
            NewInstance(action.instance_id, action.name, action.input, version, self.at, due)
        )


_DECISIONS: dict[type, Callable[..., None]] = {
    e.TaskScheduled: CommitBuilder._schedule,  # noqa: SLF001
    e.TimerCreated: CommitBuilder._create_timer,  # noqa: SLF001
    e.SubOrchestrationCreated: CommitBuilder._call_sub_orchestrator,  # noqa: SLF001
    e.EventSent: CommitBuilder._send,  # noqa: SLF001
}


def _due(request: str) -> int | None:
    """When a message that waits for a time becomes visible."""
    return micros(time_from_text(json.loads(request)["due"]))


def _failed_operations(
    failed: Iterable[tuple[int, Operation, OperationResult]], now: datetime
) -> str:
    """Failed operations, each with a number that no other one of the entity has, as the episode
    that the entity keeps of them.
    """
    events: list[e.Event] = []
    for number, operation, outcome in failed:
        events += [
            e.TaskScheduled(now, number, operation.name, operation.input),
            e.TaskFailed(now, number, outcome.reason, outcome.details),
        ]
    return encode_episode(events, now)
