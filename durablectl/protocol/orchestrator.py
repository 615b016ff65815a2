"""One run of an orchestrator in the SDK's executor: our events in, its actions out as our
decisions.

No protobuf, no I/O, no clock. The decisions are the history events that they become, so that the
executor stands behind the same interface as our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durablectl.history import events as e
from durablectl.model import RuntimeStatus
from durablectl.protocol.entity_messages import sent_message
from durablectl.protocol.failures import FailureDetails, read_failure
from durablectl.protocol.fields import (
    Fields,
    Message,
    malformed,
    plain,
    read_needed_time,
    read_status,
    read_text,
    text_field,
)
from durablectl.protocol.history import Execution, event_fields


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run decided, in the executor's order.

    `failure` is the structure of the failure that `ending` tells as text. `carried_over` and
    `new_version` belong to a ContinueAsNew. `custom_status` is JSON text; None when there is none.
    """

    decisions: tuple[e.Decision, ...] = ()
    ending: e.ExecutionCompleted | e.ContinueAsNew | None = None
    failure: FailureDetails | None = None
    carried_over: tuple[e.EventRaised, ...] = ()
    new_version: str | None = None
    custom_status: str | None = None


def request_fields(execution: Execution, past: Iterable[e.Event], new: Iterable[e.Event]) -> Fields:
    """The fields of an OrchestratorRequest."""
    return {
        "instanceId": plain(execution.instance_id),
        "executionId": text_field(execution.execution_id or None),
        "pastEvents": [event_fields(event, execution) for event in past],
        "newEvents": [event_fields(event, execution) for event in new],
    }


def read_response(response: Message, now: datetime) -> Outcome:
    """The outcome in an OrchestratorResponse."""
    if response.isPartial or response.requiresHistory:
        raise malformed(response, "it is only a part of the response, or asks for the history")
    return read_actions(response.actions, now, read_text(response, "customStatus"))


def read_actions(
    actions: Iterable[Message], now: datetime, custom_status: str | None = None
) -> Outcome:
    """What the executor's actions decide at `now`, the time of the episode."""
    decisions: list[e.Decision] = []
    completion: Any = None
    for action in actions:
        kind = action.WhichOneof("orchestratorActionType")
        if (read := _ACTIONS.get(kind)) is not None:
            decisions.append(read(now, action.id, getattr(action, kind or "")))
        elif kind != "completeOrchestration":
            raise malformed(action, f"the action '{kind}' is not supported")
        elif completion is not None:
            raise malformed(action, "the orchestration completes twice")
        else:
            completion = action.completeOrchestration
    if completion is None:
        return Outcome(tuple(decisions), custom_status=custom_status)
    ending, failure = _read_completion(completion, now)
    carried = tuple(_read_carried(event, now) for event in completion.carryoverEvents)
    version = read_text(completion, "newVersion")
    return Outcome(tuple(decisions), ending, failure, carried, version, custom_status)


def _read_completion(
    part: Message, now: datetime
) -> tuple[e.ExecutionCompleted | e.ContinueAsNew, FailureDetails | None]:
    status, result = read_status(part.orchestrationStatus), read_text(part, "result")
    if status is RuntimeStatus.CONTINUED_AS_NEW:
        return e.ContinueAsNew(now, result), None
    if not status.is_final:
        raise malformed(
            part, f"an orchestration cannot complete with the status {part.orchestrationStatus}"
        )
    if status is not RuntimeStatus.FAILED:
        return e.ExecutionCompleted(now, status, result), None
    failure = read_failure(part) or FailureDetails(result or read_text(part, "details") or "")
    return e.ExecutionCompleted(now, status, failure.text), failure


def _read_carried(event: Message, now: datetime) -> e.EventRaised:
    if event.WhichOneof("eventType") != "eventRaised":
        raise malformed(event, "only raised events can be carried over")
    return e.EventRaised(now, event.eventRaised.name, read_text(event.eventRaised, "input"))


def _read_entity_message(now: datetime, number: int, part: Message) -> e.Decision:
    kind = part.WhichOneof("EntityMessageType")
    sent = None if kind is None else sent_message(kind, getattr(part, kind), now, number)
    if sent is None:
        raise malformed(part, "it has no message")
    return sent


def _read_child(now: datetime, number: int, part: Message) -> e.SubOrchestrationCreated:
    texts = read_text(part, "input"), read_text(part, "version")
    return e.SubOrchestrationCreated(now, number, part.name, part.instanceId, *texts)


def _read_sent(now: datetime, number: int, part: Message) -> e.EventSent:
    return e.EventSent(now, number, part.instance.instanceId, part.name, read_text(part, "data"))


_ACTIONS: dict[str | None, Callable[[datetime, int, Any], e.Decision]] = {
    "scheduleTask": lambda now, number, part: e.TaskScheduled(
        now, number, part.name, read_text(part, "input")
    ),
    "createSubOrchestration": _read_child,
    "createTimer": lambda now, number, part: e.TimerCreated(
        now, number, read_needed_time(part, "fireAt")
    ),
    "sendEvent": _read_sent,
    "sendEntityMessage": _read_entity_message,
}
