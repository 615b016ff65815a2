"""The engine's complete events in the form of the service's `historyEvents`; pure, knows no store
and no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from durablectl.history import events as e
from durablectl.model import HistoryEvent, RuntimeStatus
from durablectl.wire import exact_time_to_text, value_from_reason, value_from_text

_CONTINUED_AS_NEW = 2  # the service leaves this one status a number


def history_view(
    events: Sequence[e.Event], *, show_input: bool, show_output: bool
) -> tuple[HistoryEvent, ...]:
    """The events of one execution as the service shows them, members and their order included.

    The bookends of episodes are left out, and a call that was answered is told by its answer.
    `show_input` is about every member `Input`, `show_output` about the results of calls and of the
    execution; the reason of a failure is always shown.
    """
    calls = {event.task_id: event for event in _apart(events) if isinstance(event, e.Call)}
    places = {event.task_id: at for at, event in enumerate(events) if isinstance(event, e.Call)}
    answered = {event.task_id for event in events if isinstance(event, e.Answer)}
    view = list[HistoryEvent]()
    for place, event in enumerate(events):
        if isinstance(event, e.OrchestratorStarted | e.OrchestratorCompleted) or (
            isinstance(event, e.Call) and event.task_id in answered
        ):
            continue
        if isinstance(event, e.Answer):
            place = places.get(event.task_id, place)
            members = _answer(event, calls.get(event.task_id), show_output)
        else:
            members = _members(event, show_output)
        if not show_input:
            members.pop("Input", None)
        kind = service_name(type(event))
        view.append(HistoryEvent(kind, event.timestamp, {"EventType": kind} | members, place))
    return tuple(view)


def service_name(kind: type[e.Event]) -> str:
    """What the service calls an event of this class."""
    return kind.__name__.replace("SubOrchestration", "SubOrchestrationInstance")


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


def _answer(event: e.Answer, call: e.Call | None, show_output: bool) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if isinstance(event, e.Failed):
        members = {"Reason": event.reason, "Details": event.details, "FailureDetails": None}
    elif show_output:
        members = {"Result": value_from_text(event.result)}
    members |= _stamp(event.timestamp)
    if call is not None:
        members["ScheduledTime"] = exact_time_to_text(call.timestamp, "+00:00")
        members["FunctionName"] = call.name
        if isinstance(call, e.SubOrchestrationCreated):
            members["InstanceId"] = call.instance_id
        # the service does not keep the inputs of calls unless the app's host.json says so
        members["Input"] = None
    return members


def _members(event: e.Event, show_output: bool) -> dict[str, Any]:
    match event:
        case e.ExecutionStarted():
            return {
                "Input": event.input,
                "Correlation": None,
                "ParentTraceContext": None,
                "ScheduledStartTime": None,
                "Generation": event.generation,
                "GenerateNewTrace": False,
                **_stamp(event.timestamp),
                "FunctionName": event.name,
            }
        case e.ContinueAsNew():
            members = {"OrchestrationStatus": _CONTINUED_AS_NEW, "Result": event.input}
            return members | {"FailureDetails": None} | _stamp(event.timestamp)
        case e.ExecutionCompleted():
            members = {"OrchestrationStatus": event.status.value}
            if show_output:
                members["Result"] = _result(event)
            return members | {"FailureDetails": None} | _stamp(event.timestamp)
    return _plain(event) | _stamp(event.timestamp)


def _result(event: e.ExecutionCompleted) -> Any:
    match event.status:
        case RuntimeStatus.COMPLETED:
            return value_from_text(event.result)
        case RuntimeStatus.TERMINATED:
            return value_from_reason(event.result)
        case _:
            return event.result


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
    e.TaskScheduled: {"Name": "name", "Input": None, "ParentTraceContext": None},
    e.SubOrchestrationCreated: {
        "Name": "name",
        "InstanceId": "instance_id",
        "Input": None,
        "ClientSpanId": None,
    },
}
"""The events that stand for themselves, or for a call: the field that each member holds, None for
what is always null; their time comes last.
"""


def _plain(event: e.Event) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, field in PLAIN[type(event)].items():
        value = None if field is None else getattr(event, field)
        members[name] = exact_time_to_text(value) if isinstance(value, datetime) else value
    return members


def _stamp(time: datetime) -> dict[str, str]:
    return {"Timestamp": exact_time_to_text(time)}
