"""The history of the Durable Task Framework as a JSON array, as `func durable get-history` prints
it; no I/O.

Members and numbers are those of DurableTask.Core/History; `sdk.py` has their table and writes the
same form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from durablectl.errors import UsageError
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from durablectl.history.sdk import FORMS
from durablectl.history.sdk import HistoryEventType as Kind
from durablectl.json_values import text_in
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
        instance_id=text_in(instance, "InstanceId"),
        execution_id=text_in(instance, "ExecutionId"),
        name=text_in(started, "Name"),
        events=tuple(events),
        is_foreign=True,
    )


def _event(number: int, members: _Members) -> e.Event:
    kind = _kind(members)
    if kind not in _CLASSES:
        raise UsageError(
            f"event {number} of the history has the unknown type '{members.get('EventType')}'"
        )
    try:
        return _read(*_CLASSES[kind], members)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"event {number} of the history cannot be read: {error!r}") from error


def _read(kind: type[Any], names: Mapping[str, str], members: _Members) -> e.Event:
    time = time_from_text(members["Timestamp"])
    if kind is e.ExecutionStarted:
        return _started(time, members)
    if kind is e.ExecutionCompleted:
        return _completed(time, members)
    fields = {
        field: _value(field, members[name])
        for name, field in names.items()
        if members.get(name) is not None
    }
    if issubclass(kind, e.Decision):
        fields["task_id"] = int(members["EventId"])
    event: e.Event = kind(time, **fields)
    return event


def _value(field: str, given: Any) -> Any:
    match field:
        case "task_id":
            return int(given)
        case "fire_at":
            return time_from_text(given)
    return given if isinstance(given, str) else str(given)


def _kind(members: _Members) -> int:
    kind = members.get("EventType")
    if isinstance(kind, str) and not kind.isdecimal():
        return _NAMES.get(kind.lower(), -1)
    return int(kind) if isinstance(kind, int | str) else -1


def _mapping(value: Any) -> _Members:
    return value if isinstance(value, dict) else {}


def _optional(members: _Members, name: str) -> str | None:
    value = members.get(name)
    return value if value is None or isinstance(value, str) else str(value)


def _started(time: datetime, members: _Members) -> e.Event:
    caller = None
    if parent := _mapping(members.get("ParentInstance")):
        instance = _mapping(parent.get("OrchestrationInstance"))
        caller = e.ParentInstance(
            text_in(instance, "InstanceId"),
            text_in(instance, "ExecutionId"),
            int(parent.get("TaskScheduleId", -1)),
        )
    return e.ExecutionStarted(
        time,
        text_in(members, "Name"),
        _optional(members, "Input"),
        text_in(members, "Version"),
        members.get("Generation", 0 if caller is None else None),
        caller,
    )


def _completed(time: datetime, members: _Members) -> e.Event:
    status = runtime_status(str(members["OrchestrationStatus"]))
    if status is RuntimeStatus.CONTINUED_AS_NEW:
        return e.ContinueAsNew(time, _optional(members, "Result"))
    return e.ExecutionCompleted(time, status, _optional(members, "Result"))


_CLASSES: dict[int, tuple[type[Any], Mapping[str, str]]] = {
    **{kind.value: (of, names) for of, (kind, names) in FORMS.items()},
    # What a rewind leaves of the events that it takes out (Azure Storage).
    _GENERIC: (e.ExecutionRewound, {"Data": "reason"}),
}
