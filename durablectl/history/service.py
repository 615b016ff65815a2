"""The engine's complete events in the form of the service's `historyEvents`; pure, knows no store
and no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from durablectl.history import events as e
from durablectl.model import HistoryEvent, RuntimeStatus
from durablectl.wire import exact_time_to_text, value_from_reason, value_from_text

_Answer = e.TaskCompleted | e.TaskFailed | e.SubOrchestrationCompleted | e.SubOrchestrationFailed
_Call = e.TaskScheduled | e.SubOrchestrationCreated
_CONTINUED_AS_NEW = 2  # the service leaves this one status a number


def history_view(
    events: Sequence[e.Event], *, show_input: bool, show_output: bool
) -> tuple[HistoryEvent, ...]:
    """The events of one execution as the service shows them, members and their order included.

    The bookends of episodes are left out, and a call that was answered is told by its answer.
    `show_input` is about every member `Input`, `show_output` about the results of calls and of the
    execution; the reason of a failure is always shown.
    """
    calls = {event.task_id: event for event in _apart(events) if isinstance(event, _Call)}
    answered = {event.task_id for event in events if isinstance(event, _Answer)}
    view = _View(calls, answered, show_output)
    decided = {
        event.task_id: place for place, event in enumerate(events) if isinstance(event, _Call)
    }
    hidden = () if show_input else ("Input",)
    return tuple(
        HistoryEvent(
            kind,
            event.timestamp,
            {"EventType": kind}
            | {name: value for name, value in members.items() if name not in hidden},
            decided.get(event.task_id, place) if isinstance(event, _Answer) else place,
        )
        for place, event in enumerate(events)
        for kind, members in view.members(event)
    )


def _apart(events: Sequence[e.Event]) -> Iterator[e.Event]:
    """The events, with the times of an episode's decisions one microsecond apart.

    The service's differ too, and what replays its histories tells calls of one name apart by them.
    """
    place = 0
    for event in events:
        if isinstance(event, e.OrchestratorStarted):
            place = 0
        if isinstance(event, e.Decision):
            yield replace(event, timestamp=event.timestamp + timedelta(microseconds=place))
            place += 1
        else:
            yield event


class _View:
    """What the events of one execution have to know of each other."""

    def __init__(self, calls: Mapping[int, _Call], answered: set[int], show_output: bool) -> None:
        self._calls, self._answered, self._show_output = calls, answered, show_output

    def members(self, event: e.Event) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name and members of an event, without EventType; nothing for an event that is not
        shown.
        """
        match event:
            case e.OrchestratorStarted() | e.OrchestratorCompleted():
                return
            case e.TaskScheduled() | e.SubOrchestrationCreated():
                if event.task_id not in self._answered:
                    yield _pending(event)
            case (
                e.TaskCompleted()
                | e.TaskFailed()
                | e.SubOrchestrationCompleted()
                | e.SubOrchestrationFailed()
            ):
                yield self._answer(event)
            case e.ExecutionCompleted() | e.ContinueAsNew():
                yield self._ending(event)
            case e.ExecutionStarted():
                yield "ExecutionStarted", _started(event)
            case _:
                yield type(event).__name__, _plain(event) | _stamp(event.timestamp)

    def _answer(self, event: _Answer) -> tuple[str, dict[str, Any]]:
        task = isinstance(event, e.TaskCompleted | e.TaskFailed)
        kind = "Task" if task else "SubOrchestrationInstance"
        members: dict[str, Any]
        if isinstance(event, e.TaskFailed | e.SubOrchestrationFailed):
            kind, members = (
                kind + "Failed",
                {"Reason": event.reason, "Details": event.details, "FailureDetails": None},
            )
        else:
            kind, members = (
                kind + "Completed",
                {"Result": value_from_text(event.result)} if self._show_output else {},
            )
        members |= _stamp(event.timestamp)
        if (call := self._calls.get(event.task_id)) is not None:
            members |= {
                "ScheduledTime": exact_time_to_text(call.timestamp, "+00:00"),
                "FunctionName": call.name,
            }
            members |= (
                {"InstanceId": call.instance_id}
                if isinstance(call, e.SubOrchestrationCreated)
                else {}
            )
            # the service does not keep the inputs of calls unless the app's host.json says so
            members["Input"] = None
        return kind, members

    def _ending(self, event: e.ExecutionCompleted | e.ContinueAsNew) -> tuple[str, dict[str, Any]]:
        if isinstance(event, e.ContinueAsNew):
            result = {
                "OrchestrationStatus": _CONTINUED_AS_NEW,
                "Result": event.input,
                "FailureDetails": None,
            }
            return "ContinueAsNew", result | _stamp(event.timestamp)
        members: dict[str, Any] = {"OrchestrationStatus": event.status.value}
        if self._show_output:
            members["Result"] = _result(event)
        return "ExecutionCompleted", members | {"FailureDetails": None} | _stamp(event.timestamp)


def _result(event: e.ExecutionCompleted) -> Any:
    match event.status:
        case RuntimeStatus.COMPLETED:
            return value_from_text(event.result)
        case RuntimeStatus.TERMINATED:
            return value_from_reason(event.result)
        case _:
            return event.result


def _pending(event: _Call) -> tuple[str, dict[str, Any]]:
    if isinstance(event, e.TaskScheduled):
        return "TaskScheduled", {
            "Name": event.name,
            "Input": None,
            "ParentTraceContext": None,
        } | _stamp(event.timestamp)
    members = {
        "Name": event.name,
        "InstanceId": event.instance_id,
        "Input": None,
        "ClientSpanId": None,
    }
    return "SubOrchestrationInstanceCreated", members | _stamp(event.timestamp)


PLAIN: dict[type[Any], dict[str, str | None]] = {
    e.ExecutionTerminated: {"Input": "reason"},
    e.ExecutionSuspended: {"Reason": "reason"},
    e.ExecutionResumed: {"Reason": "reason"},
    e.ExecutionRewound: {
        "Reason": "reason",
        "ParentExecutionId": "parent_execution_id",
        "InstanceId": None,
        "ParentTraceContext": None,
    },
    e.TimerCreated: {"FireAt": "fire_at"},
    e.TimerFired: {"FireAt": "fire_at"},
    e.EventSent: {"InstanceId": "instance_id", "Name": "name", "Input": "input"},
    e.EventRaised: {"Name": "name", "Input": "input", "ParentTraceContext": None},
}
"""The events that stand for themselves, under the names of their classes: the field that each
member holds, None for what is always null; their time comes last.
"""


def _plain(event: e.Event) -> dict[str, Any]:
    shown = {
        name: None if field is None else getattr(event, field)
        for name, field in PLAIN[type(event)].items()
    }
    return {
        name: exact_time_to_text(value) if isinstance(value, datetime) else value
        for name, value in shown.items()
    }


def _started(event: e.ExecutionStarted) -> dict[str, Any]:
    traces = {"Correlation": None, "ParentTraceContext": None, "ScheduledStartTime": None}
    members = {
        "Input": event.input,
        **traces,
        "Generation": event.generation,
        "GenerateNewTrace": False,
    }
    return members | _stamp(event.timestamp) | {"FunctionName": event.name}


def _stamp(time: datetime) -> dict[str, str]:
    return {"Timestamp": exact_time_to_text(time)}
