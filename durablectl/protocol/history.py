"""Our history events as the protocol's, and back; no protobuf, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from durablectl.history import events as e
from durablectl.model import RuntimeStatus
from durablectl.protocol.entity_messages import received_message, sent_message
from durablectl.protocol.failures import (
    FailureDetails,
    failure_fields,
    failure_of,
    failure_of_output,
    read_failure,
    reason_and_details,
)
from durablectl.protocol.fields import (
    EPOCH,
    Fields,
    MalformedMessage,
    Message,
    int32_field,
    malformed,
    plain,
    read_needed_time,
    read_status,
    read_text,
    read_time,
    status_field,
    tag_fields,
    text_field,
    time_field,
)

MOST_EVENTS = 1_000_000
"""Events of one history that are read; more are refused."""
CHUNK_EVENTS, CHUNK_BYTES = 100, 1_000_000
"""Where a chunk of a streamed history ends. Clients refuse messages of more than 4 MB."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Whose history it is: what the event ExecutionStarted says there and our own does not."""

    instance_id: str
    execution_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    scheduled_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A history that was read. `failure` is why the execution failed, with its structure.

    `left_out` are the kinds of events that have no counterpart here, such as `genericEvent`, in
    order; "" is a kind that is not known. A replay of the rest may not be exact.
    """

    events: tuple[e.Event, ...]
    execution: Execution = Execution("")
    failure: FailureDetails | None = None
    left_out: tuple[str, ...] = ()


def event_fields(
    event: e.Event, execution: Execution, failure: FailureDetails | None = None
) -> Fields:
    """The fields of a HistoryEvent. `failure` is the structure of an ExecutionCompleted's failure.

    Two things are not in the protocol: an ExecutionStarted's generation, and the reason of a failed
    task where its details say more.
    """
    kind, part = _WRITERS[type(event)](event)
    number = int32_field(event.task_id, "the task id") if isinstance(event, e.Decision) else -1
    if isinstance(event, e.ExecutionStarted):
        part |= _owner_fields(execution)
    elif (
        isinstance(event, e.ExecutionCompleted) and event.status is RuntimeStatus.FAILED and failure
    ):
        part["failureDetails"] = failure_fields(failure)
    return {"eventId": number, "timestamp": time_field(event.timestamp), kind: part}


def read_event(message: Message, episode: datetime | None = None) -> e.Event | None:
    """Our event for a HistoryEvent; None when we have none of its kind.

    `episode` is the time of an event that has none: some servers set only that of an
    OrchestratorStarted, and leave the others at 0, which is 1970.
    """
    kind = message.WhichOneof("eventType")
    if kind is None:
        return None
    at = read_time(message, "timestamp")
    if episode is not None and at in (None, EPOCH):
        at = episode
    if at is None:
        raise malformed(message, "'timestamp' is missing")
    number, part = message.eventId, getattr(message, kind)
    if (read := _READERS.get(kind)) is not None:
        return read(at, part)
    if (decide := _DECISIONS.get(kind)) is not None:
        return decide(at, number, part)
    return sent_message(kind, part, at, number) or received_message(kind, part, at)


def read_history(messages: Iterable[Message]) -> History:
    """A whole history, in order; `MalformedMessage` when it is longer than MOST_EVENTS."""
    events: list[e.Event] = []
    left_out: list[str] = []
    execution, failure = Execution(""), None
    for count, message in enumerate(messages):
        if count >= MOST_EVENTS:
            raise MalformedMessage(f"the history has more than {MOST_EVENTS:,} events")
        event = read_event(message, events[-1].timestamp if events else None)
        if event is None:
            left_out.append(message.WhichOneof("eventType") or "")
            continue
        events.append(event)
        if isinstance(event, e.ExecutionStarted):
            execution = _read_owner(message.executionStarted)
        elif isinstance(event, e.ExecutionCompleted):
            failure = read_failure(message.executionCompleted)
    return History(tuple(events), execution, failure, tuple(left_out))


def history_chunks(
    kinds: Any,
    events: Iterable[e.Event],
    execution: Execution,
    failure: FailureDetails | None = None,
) -> Iterator[Any]:
    """A history as the HistoryChunks of a stream; `kinds` has the message classes as attributes."""
    chunk: list[Any] = []
    size = 0
    for event in events:
        message = kinds.HistoryEvent(**event_fields(event, execution, failure))
        size += message.ByteSize()
        if chunk and (len(chunk) == CHUNK_EVENTS or size > CHUNK_BYTES):
            yield kinds.HistoryChunk(events=chunk)
            chunk, size = [], message.ByteSize()
        chunk.append(message)
    if chunk:
        yield kinds.HistoryChunk(events=chunk)


def _owner_fields(execution: Execution) -> Fields:
    return {
        "orchestrationInstance": _instance_fields(execution.instance_id, execution.execution_id),
        "scheduledStartTimestamp": time_field(execution.scheduled_start),
        "tags": tag_fields(execution.tags),
    }


def _instance_fields(instance_id: str, execution_id: str) -> Fields:
    return {"instanceId": plain(instance_id), "executionId": text_field(execution_id or None)}


def _read_owner(part: Message) -> Execution:
    instance = part.orchestrationInstance
    execution_id = read_text(instance, "executionId") or ""
    return Execution(
        instance.instanceId,
        execution_id,
        dict(part.tags),
        read_time(part, "scheduledStartTimestamp"),
    )


def _started_fields(event: e.ExecutionStarted) -> Fields:
    fields: Fields = {
        "name": plain(event.name),
        "version": text_field(event.version or None),
        "input": text_field(event.input),
    }
    if event.parent is not None:
        fields["parentInstance"] = {
            "taskScheduledId": int32_field(event.parent.task_id, "the task id"),
            "orchestrationInstance": _instance_fields(
                event.parent.instance_id, event.parent.execution_id
            ),
        }
    return fields


def _completed_fields(event: e.ExecutionCompleted) -> Fields:
    fields: Fields = {"orchestrationStatus": status_field(event.status)}
    if event.status is not RuntimeStatus.FAILED:
        fields["result"] = text_field(event.result)
    elif event.result is not None:
        fields["failureDetails"] = failure_fields(failure_of_output(event.result))
    return fields


def _answer_fields(event: e.TaskCompleted | e.SubOrchestrationCompleted) -> Fields:
    return {
        "taskScheduledId": int32_field(event.task_id, "the task id"),
        "result": text_field(event.result),
    }


def _failed_fields(event: e.TaskFailed | e.SubOrchestrationFailed) -> Fields:
    failure = failure_of(event.reason, event.details)
    return {
        "taskScheduledId": int32_field(event.task_id, "the task id"),
        "failureDetails": failure_fields(failure),
    }


def _call_fields(event: e.TaskScheduled | e.SubOrchestrationCreated) -> Fields:
    return {"name": plain(event.name), "input": text_field(event.input)}


def _child_fields(event: e.SubOrchestrationCreated) -> Fields:
    return _call_fields(event) | {
        "instanceId": plain(event.instance_id),
        "version": text_field(event.version),
    }


def _fired_fields(event: e.TimerFired) -> Fields:
    return {
        "timerId": int32_field(event.task_id, "the task id"),
        "fireAt": time_field(event.fire_at),
    }


def _raised_fields(event: e.EventRaised | e.EventSent) -> Fields:
    return {"name": plain(event.name), "input": text_field(event.input)}


def _rewound_fields(event: e.ExecutionRewound) -> Fields:
    parent = text_field(event.parent_execution_id)
    return {"reason": text_field(event.reason), "parentExecutionId": parent}


def _reason_fields(
    event: e.ExecutionTerminated | e.ExecutionSuspended | e.ExecutionResumed,
) -> Fields:
    return {"input": text_field(event.reason)}


_WRITERS: dict[type, Callable[[Any], tuple[str, Fields]]] = {
    e.ExecutionStarted: lambda event: ("executionStarted", _started_fields(event)),
    e.ExecutionCompleted: lambda event: ("executionCompleted", _completed_fields(event)),
    e.ExecutionTerminated: lambda event: ("executionTerminated", _reason_fields(event)),
    e.ExecutionSuspended: lambda event: ("executionSuspended", _reason_fields(event)),
    e.ExecutionResumed: lambda event: ("executionResumed", _reason_fields(event)),
    e.ExecutionRewound: lambda event: ("executionRewound", _rewound_fields(event)),
    e.ContinueAsNew: lambda event: ("continueAsNew", {"input": text_field(event.input)}),
    e.TaskScheduled: lambda event: ("taskScheduled", _call_fields(event)),
    e.TaskCompleted: lambda event: ("taskCompleted", _answer_fields(event)),
    e.TaskFailed: lambda event: ("taskFailed", _failed_fields(event)),
    e.SubOrchestrationCreated: lambda event: (
        "subOrchestrationInstanceCreated",
        _child_fields(event),
    ),
    e.SubOrchestrationCompleted: lambda event: (
        "subOrchestrationInstanceCompleted",
        _answer_fields(event),
    ),
    e.SubOrchestrationFailed: lambda event: (
        "subOrchestrationInstanceFailed",
        _failed_fields(event),
    ),
    e.TimerCreated: lambda event: ("timerCreated", {"fireAt": time_field(event.fire_at)}),
    e.TimerFired: lambda event: ("timerFired", _fired_fields(event)),
    e.EventSent: lambda event: (
        "eventSent",
        _raised_fields(event) | {"instanceId": plain(event.instance_id)},
    ),
    e.EventRaised: lambda event: ("eventRaised", _raised_fields(event)),
    e.OrchestratorStarted: lambda _: ("orchestratorStarted", {}),
    e.OrchestratorCompleted: lambda _: ("orchestratorCompleted", {}),
}


def _read_started(at: datetime, part: Message) -> e.ExecutionStarted:
    parent = None
    if part.HasField("parentInstance"):
        caller = part.parentInstance.orchestrationInstance
        execution_id = read_text(caller, "executionId") or ""
        parent = e.ParentInstance(
            caller.instanceId, execution_id, part.parentInstance.taskScheduledId
        )
    version = read_text(part, "version") or ""
    return e.ExecutionStarted(at, part.name, read_text(part, "input"), version, None, parent)


def _read_completed(at: datetime, part: Message) -> e.ExecutionCompleted | e.ContinueAsNew:
    status, result = read_status(part.orchestrationStatus), read_text(part, "result")
    if status is RuntimeStatus.CONTINUED_AS_NEW:
        return e.ContinueAsNew(at, result)
    failure = read_failure(part) if status is RuntimeStatus.FAILED else None
    return e.ExecutionCompleted(at, status, failure.text if failure is not None else result)


def _read_task_failed(at: datetime, part: Message) -> e.TaskFailed:
    return e.TaskFailed(at, part.taskScheduledId, *_told(part))


def _read_child_failed(at: datetime, part: Message) -> e.SubOrchestrationFailed:
    return e.SubOrchestrationFailed(at, part.taskScheduledId, *_told(part))


def _told(part: Message) -> tuple[str, str | None]:
    failure = read_failure(part)
    return ("", None) if failure is None else reason_and_details(failure)


def _read_fired(at: datetime, part: Message) -> e.TimerFired:
    return e.TimerFired(at, part.timerId, read_needed_time(part, "fireAt"))


def _read_rewound(at: datetime, part: Message) -> e.ExecutionRewound:
    return e.ExecutionRewound(at, read_text(part, "reason"), read_text(part, "parentExecutionId"))


_READERS: dict[str, Callable[[datetime, Any], e.Event]] = {
    "executionStarted": _read_started,
    "executionCompleted": _read_completed,
    "executionTerminated": lambda at, part: e.ExecutionTerminated(at, read_text(part, "input")),
    "executionSuspended": lambda at, part: e.ExecutionSuspended(at, read_text(part, "input")),
    "executionResumed": lambda at, part: e.ExecutionResumed(at, read_text(part, "input")),
    "executionRewound": _read_rewound,
    "continueAsNew": lambda at, part: e.ContinueAsNew(at, read_text(part, "input")),
    "taskCompleted": lambda at, part: e.TaskCompleted(
        at, part.taskScheduledId, read_text(part, "result")
    ),
    "taskFailed": _read_task_failed,
    "subOrchestrationInstanceCompleted": lambda at, part: e.SubOrchestrationCompleted(
        at, part.taskScheduledId, read_text(part, "result")
    ),
    "subOrchestrationInstanceFailed": _read_child_failed,
    "timerFired": _read_fired,
    "eventRaised": lambda at, part: e.EventRaised(at, part.name, read_text(part, "input")),
    "orchestratorStarted": lambda at, _: e.OrchestratorStarted(at),
    "orchestratorCompleted": lambda at, _: e.OrchestratorCompleted(at),
}

_DECISIONS: dict[str, Callable[[datetime, int, Any], e.Decision]] = {
    "taskScheduled": lambda at, number, part: e.TaskScheduled(
        at, number, part.name, read_text(part, "input")
    ),
    "subOrchestrationInstanceCreated": lambda at, number, part: e.SubOrchestrationCreated(
        at, number, part.name, part.instanceId, read_text(part, "input"), read_text(part, "version")
    ),
    "timerCreated": lambda at, number, part: e.TimerCreated(
        at, number, read_needed_time(part, "fireAt")
    ),
    "eventSent": lambda at, number, part: e.EventSent(
        at, number, part.instanceId, part.name, read_text(part, "input")
    ),
}
