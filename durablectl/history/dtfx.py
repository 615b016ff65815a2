"""The history of the Durable Task Framework as a JSON array, as `func durable get-history` prints
it; no I/O.

Members and numbers are those of DurableTask.Core/History; `sdk.py` writes the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from durablectl.errors import UsageError
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from durablectl.history.sdk import HistoryEventType as Kind
from durablectl.model import RuntimeStatus
from durablectl.wire import runtime_status, time_from_text

_Members = Mapping[str, Any]
_NAMES = {kind.name.replace("_", "").lower(): kind.value for kind in Kind}
_GENERIC, _HISTORY_STATE = 17, 18
_NAMES |= {"genericevent": _GENERIC, "historystate": _HISTORY_STATE}


def is_dtfx(document: Any) -> bool:
    """Whether a JSON value is such an array: its events have numbers."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(event, dict) and "EventId" in event for event in document)
    )


def dtfx_from_json(document: Sequence[_Members]) -> RawHistory:
    """Read the array; `UsageError` when an event cannot be read."""
    events = [_event(number, members) for number, members in enumerate(document)]
    started = next(
        (members for members in document if _kind(members) == Kind.EXECUTION_STARTED.value), {}
    )
    instance = _mapping(started.get("OrchestrationInstance"))
    return RawHistory(
        instance_id=_text(instance, "InstanceId"),
        execution_id=_text(instance, "ExecutionId"),
        name=_text(started, "Name"),
        events=tuple(events),
        is_foreign=True,
    )


def _event(number: int, members: _Members) -> e.Event:
    read = _READERS.get(_kind(members))
    if read is None:
        raise UsageError(
            f"event {number} of the history has the unknown type '{members.get('EventType')}'"
        )
    try:
        return read(time_from_text(members["Timestamp"]), members)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"event {number} of the history cannot be read: {error!r}") from error


def _kind(members: _Members) -> int:
    kind = members.get("EventType")
    if isinstance(kind, str) and not kind.isdecimal():
        return _NAMES.get(kind.lower(), -1)
    return int(kind) if isinstance(kind, int | str) else -1


def _mapping(value: Any) -> _Members:
    return value if isinstance(value, dict) else {}


def _text(members: _Members, name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _optional(members: _Members, name: str) -> str | None:
    value = members.get(name)
    return value if value is None or isinstance(value, str) else str(value)


def _number(members: _Members, name: str) -> int:
    return int(members[name])


def _started(time: datetime, members: _Members) -> e.Event:
    parent = _mapping(members.get("ParentInstance"))
    caller = _mapping(parent.get("OrchestrationInstance"))
    return e.ExecutionStarted(
        time,
        _text(members, "Name"),
        _optional(members, "Input"),
        _text(members, "Version"),
        members.get("Generation", 0 if not parent else None),
        e.ParentInstance(
            _text(caller, "InstanceId"),
            _text(caller, "ExecutionId"),
            int(parent.get("TaskScheduleId", -1)),
        )
        if parent
        else None,
    )


def _completed(time: datetime, members: _Members) -> e.Event:
    status = runtime_status(str(members["OrchestrationStatus"]))
    if status is RuntimeStatus.CONTINUED_AS_NEW:
        return e.ContinueAsNew(time, _optional(members, "Result"))
    return e.ExecutionCompleted(time, status, _optional(members, "Result"))


def _reasoned(event: Callable[..., e.Event], member: str = "Reason") -> Callable[..., e.Event]:
    return lambda time, members: event(time, _optional(members, member))


def _failed(event: Callable[..., e.Event]) -> Callable[..., e.Event]:
    return lambda time, members: event(
        time,
        _number(members, "TaskScheduledId"),
        _text(members, "Reason"),
        _optional(members, "Details"),
    )


def _answered(event: Callable[..., e.Event]) -> Callable[..., e.Event]:
    return lambda time, members: event(
        time, _number(members, "TaskScheduledId"), _optional(members, "Result")
    )


_READERS: dict[int, Callable[[datetime, _Members], e.Event]] = {
    0: _started,
    1: _completed,
    3: _reasoned(e.ExecutionTerminated, "Input"),
    4: lambda time, members: e.TaskScheduled(
        time, _number(members, "EventId"), members["Name"], _optional(members, "Input")
    ),
    5: _answered(e.TaskCompleted),
    6: _failed(e.TaskFailed),
    7: lambda time, members: e.SubOrchestrationCreated(
        time,
        _number(members, "EventId"),
        members["Name"],
        members["InstanceId"],
        _optional(members, "Input"),
        _optional(members, "Version"),
    ),
    8: _answered(e.SubOrchestrationCompleted),
    9: _failed(e.SubOrchestrationFailed),
    10: lambda time, members: e.TimerCreated(
        time, _number(members, "EventId"), time_from_text(members["FireAt"])
    ),
    11: lambda time, members: e.TimerFired(
        time, _number(members, "TimerId"), time_from_text(members["FireAt"])
    ),
    12: lambda time, _members: e.OrchestratorStarted(time),
    13: lambda time, _members: e.OrchestratorCompleted(time),
    14: lambda time, members: e.EventSent(
        time,
        _number(members, "EventId"),
        members["InstanceId"],
        _text(members, "Name"),
        _optional(members, "Input"),
    ),
    15: lambda time, members: e.EventRaised(time, members["Name"], _optional(members, "Input")),
    16: _reasoned(e.ContinueAsNew, "Result"),
    # What a rewind leaves of the events that it takes out (Azure Storage).
    _GENERIC: _reasoned(e.ExecutionRewound, "Data"),
    19: _reasoned(e.ExecutionSuspended),
    20: _reasoned(e.ExecutionResumed),
    21: _reasoned(e.ExecutionRewound),
}
