"""An episode's events as one line of JSON text, and back; no I/O.

An event is `[kind, delta, …]`: its number in the original's EventType, its time in microseconds
after the episode's, its fields. What the instance's own row knows is left out: the bookends, the
whole of ExecutionStarted, the result of ExecutionCompleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from durablectl.history import events as e
from durablectl.history.columns import EPOCH, STATUS_NUMBERS, STATUSES, micros, moment
from durablectl.model import RuntimeStatus


@dataclass(frozen=True, slots=True)
class Outline:
    """What an instance's own row knows of its current execution; needed to read its history
    back."""

    started: e.ExecutionStarted
    result: str | None = None


def encode_episode(events: Iterable[e.Event], at: datetime) -> str:
    """The events of one episode that began at `at`, its OrchestratorStarted and
    OrchestratorCompleted left out.
    """
    parts = []
    for event in events:
        kind = type(event)
        if kind is not e.OrchestratorStarted and kind is not e.OrchestratorCompleted:
            parts.append(_ENCODERS[kind](event, at))
    return f"[{','.join(parts)}]"


def decode_episode(text: str, at: int, outline: Outline) -> list[e.Event]:
    """The events of one episode that began at `at` (microseconds), with its bookends."""
    began = moment(at)
    events: list[e.Event] = [e.OrchestratorStarted(began)]
    events.extend(_decode(fields, began, outline) for fields in json.loads(text))
    events.append(e.OrchestratorCompleted(began))
    return events


def encode_event(event: e.Event) -> str:
    """One event on its own, for the inbox; its time is stored beside it."""
    return _ENCODERS[type(event)](event, event.timestamp)


def decode_event(text: str, at: int) -> e.Event:
    return _decode(json.loads(text), moment(at), _NO_OUTLINE)


def _delta(timestamp: datetime, at: datetime) -> int:
    if timestamp is at:
        return 0
    delta = timestamp - at
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def _text(value: str | None) -> str:
    return "null" if value is None else quote(value)


def _fields(kind: int, *names: str, is_numbered: bool = False) -> Callable[[Any, datetime], str]:
    """An encoder for an event whose fields are texts or None, behind a task id if it has one."""

    def encode(event: Any, at: datetime) -> str:
        number = f",{event.task_id}" if is_numbered else ""
        values = "".join("," + _text(getattr(event, name)) for name in names)
        return f"[{kind},{_delta(event.timestamp, at)}{number}{values}]"

    return encode


_task = partial(_fields, is_numbered=True)


def _timer(kind: int) -> Callable[[Any, datetime], str]:
    def encode(event: Any, at: datetime) -> str:
        return f"[{kind},{_delta(event.timestamp, at)},{event.task_id},{micros(event.fire_at)}]"

    return encode


def _ending(event: e.ExecutionCompleted, at: datetime) -> str:
    details = "" if event.details is None else "," + quote(event.details)
    return f"[1,{_delta(event.timestamp, at)},{STATUS_NUMBERS[event.status]}{details}]"


_NO_OUTLINE = Outline(e.ExecutionStarted(EPOCH, ""))

_ENCODERS: dict[type, Callable[[Any, datetime], str]] = {
    e.ExecutionStarted: lambda event, at: f"[0,{_delta(event.timestamp, at)}]",
    e.ExecutionCompleted: _ending,
    e.ExecutionTerminated: lambda event, at: (
        f"[3,{_delta(event.timestamp, at)},{_text(event.reason)}{',true' if event.recurse else ''}]"
    ),
    e.TaskScheduled: lambda event, at: (
        f"[4,{_delta(event.timestamp, at)},{event.task_id},"
        f"{quote(event.name)},{_text(event.input)}]"
    ),
    e.TaskCompleted: lambda event, at: (
        f"[5,{_delta(event.timestamp, at)},{event.task_id},{_text(event.result)}]"
    ),
    e.TaskFailed: _task(6, "reason", "details"),
    e.SubOrchestrationCreated: _task(7, "name", "instance_id", "input", "version"),
    e.SubOrchestrationCompleted: _task(8, "result"),
    e.SubOrchestrationFailed: _task(9, "reason", "details"),
    e.TimerCreated: _timer(10),
    e.TimerFired: _timer(11),
    e.EventSent: _task(14, "instance_id", "name", "input"),
    e.EventRaised: lambda event, at: (
        f"[15,{_delta(event.timestamp, at)},{quote(event.name)},{_text(event.input)}]"
    ),
    e.ContinueAsNew: _fields(16, "input"),
    e.ExecutionSuspended: _fields(19, "reason"),
    e.ExecutionResumed: _fields(20, "reason"),
    e.ExecutionRewound: _fields(21, "reason", "parent_execution_id"),
}

_DECODERS: dict[int, Callable[..., e.Event]] = {
    3: e.ExecutionTerminated,
    4: e.TaskScheduled,
    5: e.TaskCompleted,
    6: e.TaskFailed,
    7: e.SubOrchestrationCreated,
    8: e.SubOrchestrationCompleted,
    9: e.SubOrchestrationFailed,
    14: e.EventSent,
    15: e.EventRaised,
    16: e.ContinueAsNew,
    19: e.ExecutionSuspended,
    20: e.ExecutionResumed,
    21: e.ExecutionRewound,
}


def _result(status: RuntimeStatus, output: str | None) -> str | None:
    """The result that an instance's row has as its output: a reason is plain text there, and JSON
    in the row.
    """
    if output is None or status is RuntimeStatus.COMPLETED:
        return output
    reason: str = json.loads(output)
    return reason


def _decode(fields: list[Any], began: datetime, outline: Outline) -> e.Event:
    kind, delta, *values = fields
    timestamp = began + timedelta(microseconds=delta) if delta else began
    match kind:
        case 0:
            return outline.started
        case 1:
            return e.ExecutionCompleted(
                timestamp,
                STATUSES[values[0]],
                _result(STATUSES[values[0]], outline.result),
                *values[1:],
            )
        case 10:
            return e.TimerCreated(timestamp, values[0], moment(values[1]))
        case 11:
            return e.TimerFired(timestamp, values[0], moment(values[1]))
    return _DECODERS[kind](timestamp, *values)
