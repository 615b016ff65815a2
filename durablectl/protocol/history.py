"""Our history events as the protocol's, and back; no protobuf, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
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
    malformed,
    plain,
    read_needed_time,
    read_status,
    read_text,
    read_time,
    status_field,
    tag_fields,
    task_id_field,
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
    """A history that was read.

    `left_out` are the kinds of events that have no counterpart here, such as `genericEvent`, in
    order; "" is a kind that is not known. A replay of the rest may not be exact.
    """

    events: tuple[e.Event, ...]
    execution: Execution = Execution("")
    left_out: tuple[str, ...] = ()


def event_fields(
    event: e.Event, execution: Execution, failure: FailureDetails | None = None
) -> Fields:
    """The fields of a HistoryEvent. `failure` is the structure of an ExecutionCompleted's failure.

    Two things are not in the protocol: an ExecutionStarted's generation, and the reason of a failed
    task where its details say more.
    """
    kind, write = _WRITERS[type(event)]
    part = write(event)
    number = task_id_field(event.task_id) if isinstance(event, e.Decision) else -1
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
        return read(at, number, part)
    return sent_message(kind, part, at, number) or received_message(kind, part, at)


def read_history(messages: Iterable[Message]) -> History:
    """A whole history, in order; `MalformedMessage` when it is longer than MOST_EVENTS."""
    events: list[e.Event] = []
    left_out: list[str] = []
    execution = Execution("")
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
    return History(tuple(events), execution, tuple(left_out))


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
            "taskScheduledId": task_id_field(event.parent.task_id),
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


def _failed_fields(event: e.TaskFailed | e.SubOrchestrationFailed) -> Fields:
    failure = failure_of(event.reason, event.details)
    return {
        "taskScheduledId": task_id_field(event.task_id),
        "failureDetails": failure_fields(failure),
    }


def _read_started(at: datetime, _number: int, part: Message) -> e.ExecutionStarted:
    parent = None
    if part.HasField("parentInstance"):
        caller = part.parentInstance.orchestrationInstance
        execution_id = read_text(caller, "executionId") or ""
        parent = e.ParentInstance(
            caller.instanceId, execution_id, part.parentInstance.taskScheduledId
        )
    version = read_text(part, "version") or ""
    return e.ExecutionStarted(at, part.name, read_text(part, "input"), version, None, parent)


def _read_completed(
    at: datetime, _number: int, part: Message
) -> e.ExecutionCompleted | e.ContinueAsNew:
    status, result = read_status(part.orchestrationStatus), read_text(part, "result")
    if status is RuntimeStatus.CONTINUED_AS_NEW:
        return e.ContinueAsNew(at, result)
    failure = read_failure(part) if status is RuntimeStatus.FAILED else None
    return e.ExecutionCompleted(at, status, failure.text if failure is not None else result)


def _read_failed(
    kind: type[e.TaskFailed] | type[e.SubOrchestrationFailed],
    at: datetime,
    _number: int,
    part: Message,
) -> e.Event:
    failure = read_failure(part)
    told = ("", None) if failure is None else reason_and_details(failure)
    return kind(at, part.taskScheduledId, *told)


_Members = Mapping[str, str]
_REASON: _Members = {"input": "reason"}
_CALL: _Members = {"name": "name", "input": "input"}
_ANSWER: _Members = {"taskScheduledId": "task_id", "result": "result"}
_FORMS: dict[type[Any], tuple[str, _Members]] = {
    e.ExecutionTerminated: ("executionTerminated", _REASON),
    e.ExecutionSuspended: ("executionSuspended", _REASON),
    e.ExecutionResumed: ("executionResumed", _REASON),
    e.ExecutionRewound: (
        "executionRewound",
        {"reason": "reason", "parentExecutionId": "parent_execution_id"},
    ),
    e.ContinueAsNew: ("continueAsNew", {"input": "input"}),
    e.TaskScheduled: ("taskScheduled", _CALL),
    e.TaskCompleted: ("taskCompleted", _ANSWER),
    e.SubOrchestrationCreated: (
        "subOrchestrationInstanceCreated",
        {**_CALL, "instanceId": "instance_id", "version": "version"},
    ),
    e.SubOrchestrationCompleted: ("subOrchestrationInstanceCompleted", _ANSWER),
    e.TimerCreated: ("timerCreated", {"fireAt": "fire_at"}),
    e.TimerFired: ("timerFired", {"timerId": "task_id", "fireAt": "fire_at"}),
    e.EventSent: ("eventSent", {**_CALL, "instanceId": "instance_id"}),
    e.EventRaised: ("eventRaised", _CALL),
    e.OrchestratorStarted: ("orchestratorStarted", {}),
    e.OrchestratorCompleted: ("orchestratorCompleted", {}),
}
"""By class: the field of HistoryEvent, and the field of ours that each of its members holds."""
_WRAPPED = (text_field, read_text)
_CODECS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, str], Any]]] = {
    **dict.fromkeys(("name", "instanceId"), (plain, getattr)),
    **dict.fromkeys(("taskScheduledId", "timerId"), (task_id_field, getattr)),
    "fireAt": (time_field, read_needed_time),
}
"""How members are written and read that are not wrapped strings."""


def _writer(members: _Members) -> Callable[[Any], Fields]:
    codecs = [(name, field, _CODECS.get(name, _WRAPPED)[0]) for name, field in members.items()]
    return lambda event: {name: write(getattr(event, field)) for name, field, write in codecs}


def _reader(kind: type[Any], members: _Members) -> Callable[[datetime, int, Any], e.Event]:
    codecs = [(name, field, _CODECS.get(name, _WRAPPED)[1]) for name, field in members.items()]
    is_decision = issubclass(kind, e.Decision)

    def read(at: datetime, number: int, part: Message) -> e.Event:
        fields = {field: read_member(part, name) for name, field, read_member in codecs}
        event: e.Event = kind(at, number, **fields) if is_decision else kind(at, **fields)
        return event

    return read


_WRITERS: dict[type, tuple[str, Callable[[Any], Fields]]] = {
    **{kind: (name, _writer(members)) for kind, (name, members) in _FORMS.items()},
    e.ExecutionStarted: ("executionStarted", _started_fields),
    e.ExecutionCompleted: ("executionCompleted", _completed_fields),
    e.TaskFailed: ("taskFailed", _failed_fields),
    e.SubOrchestrationFailed: ("subOrchestrationInstanceFailed", _failed_fields),
}
_READERS: dict[str, Callable[[datetime, int, Any], e.Event]] = {
    **{name: _reader(kind, members) for kind, (name, members) in _FORMS.items()},
    "executionStarted": _read_started,
    "executionCompleted": _read_completed,
    "taskFailed": partial(_read_failed, e.TaskFailed),
    "subOrchestrationInstanceFailed": partial(_read_failed, e.SubOrchestrationFailed),
}
