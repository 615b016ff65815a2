"""The engine's history in the Azure SDK's own form: what `context.histories` shows, and what its
replay takes in.

No I/O.

Members and numbers are those of DurableTask.Core/History; `document` makes the events of the
out-of-process protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

from durablectl.history import events as e
from durablectl.model import RuntimeStatus


class HistoryEventType(Enum):
    """The kinds of history events.

    Equal to the member of the same value of the Azure SDK's own enum.
    """

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_INSTANCE_CREATED = 7
    SUB_ORCHESTRATION_INSTANCE_COMPLETED = 8
    SUB_ORCHESTRATION_INSTANCE_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20
    EXECUTION_REWOUND = 21

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Enum)
            and type(other).__name__ == "HistoryEventType"
            and other.value == self.value
        )

    def __hash__(self) -> int:
        return hash(self.value)


class SdkEvent:
    """One event with the SDK's attributes: `event_type event_id is_played timestamp`, and its own
    members (`Name`, `Result`…).
    """

    def __init__(self, document: dict[str, Any], timestamp: datetime) -> None:
        self.event_type = HistoryEventType(document["EventType"])
        self.event_id: int = document["EventId"]
        self.is_played: bool = document["IsPlayed"]
        self.timestamp = timestamp
        self.Name = self.InstanceId = self.TaskScheduledId = self.Reason = self.Details = (
            self.Input
        ) = None
        self.__dict__.update(
            {
                key: value
                for key, value in document.items()
                if key not in ("EventType", "EventId", "IsPlayed", "Timestamp")
            }
        )


def sdk_events(history: Iterable[e.Event], instance_id: str, execution_id: str) -> list[SdkEvent]:
    return [
        SdkEvent(document(event, instance_id, execution_id), event.timestamp) for event in history
    ]


def document(event: e.Event, instance_id: str, execution_id: str) -> dict[str, Any]:
    """One event as the out-of-process protocol has it."""
    kind, members = FORMS[type(event)]
    common: dict[str, Any] = {
        "EventType": kind.value,
        "EventId": event.task_id if isinstance(event, e.Decision) else -1,
        "IsPlayed": False,
        "Timestamp": _time(event.timestamp),
    }
    if isinstance(event, e.ExecutionStarted):
        common["OrchestrationInstance"] = {"InstanceId": instance_id, "ExecutionId": execution_id}
    return common | {name: _shown(getattr(event, field)) for name, field in members.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return _time(value)
    return value.value if isinstance(value, RuntimeStatus) else value


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_Members = dict[str, str]
_DONE: _Members = {"TaskScheduledId": "task_id", "Result": "result"}
_FAILED: _Members = {"TaskScheduledId": "task_id", "Reason": "reason", "Details": "details"}
_CALL: _Members = {"Name": "name", "Input": "input"}
_REASON: _Members = {"Reason": "reason"}
_Kind = HistoryEventType

FORMS: dict[type[Any], tuple[HistoryEventType, _Members]] = {
    e.ExecutionStarted: (_Kind.EXECUTION_STARTED, {**_CALL, "Version": "version"}),
    e.ExecutionCompleted: (
        _Kind.EXECUTION_COMPLETED,
        {"OrchestrationStatus": "status", "Result": "result"},
    ),
    e.ExecutionTerminated: (_Kind.EXECUTION_TERMINATED, {"Input": "reason"}),
    e.TaskScheduled: (_Kind.TASK_SCHEDULED, _CALL),
    e.TaskCompleted: (_Kind.TASK_COMPLETED, _DONE),
    e.TaskFailed: (_Kind.TASK_FAILED, _FAILED),
    e.SubOrchestrationCreated: (
        _Kind.SUB_ORCHESTRATION_INSTANCE_CREATED,
        {**_CALL, "InstanceId": "instance_id", "Version": "version"},
    ),
    e.SubOrchestrationCompleted: (_Kind.SUB_ORCHESTRATION_INSTANCE_COMPLETED, _DONE),
    e.SubOrchestrationFailed: (_Kind.SUB_ORCHESTRATION_INSTANCE_FAILED, _FAILED),
    e.TimerCreated: (_Kind.TIMER_CREATED, {"FireAt": "fire_at"}),
    e.TimerFired: (_Kind.TIMER_FIRED, {"TimerId": "task_id", "FireAt": "fire_at"}),
    e.OrchestratorStarted: (_Kind.ORCHESTRATOR_STARTED, {}),
    e.OrchestratorCompleted: (_Kind.ORCHESTRATOR_COMPLETED, {}),
    e.EventSent: (_Kind.EVENT_SENT, {**_CALL, "InstanceId": "instance_id"}),
    e.EventRaised: (_Kind.EVENT_RAISED, _CALL),
    e.ContinueAsNew: (_Kind.CONTINUE_AS_NEW, {"Result": "input"}),
    e.ExecutionSuspended: (_Kind.EXECUTION_SUSPENDED, _REASON),
    e.ExecutionResumed: (_Kind.EXECUTION_RESUMED, _REASON),
    e.ExecutionRewound: (_Kind.EXECUTION_REWOUND, _REASON),
}
"""By class: its number, and the field of ours that each member holds; besides the time of all, and
the number of a decision.
"""
