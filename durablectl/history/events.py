"""The complete history events of the engine: what happened, or was decided, in an execution; no
I/O, no clock, no JSON but the payloads.

Payloads (`input`, `result`) are JSON text exactly as it is stored, None where there is none. Times
are aware UTC datetimes. `task_id` is the sequence number of a decision in its execution, from 0
(EventId of the original); what answers it carries the same one. The bookends of an episode are
OrchestratorStarted and OrchestratorCompleted (DurableTask.Core/History).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from durablectl.model import RuntimeStatus


@dataclass(frozen=True, slots=True)
class ParentInstance:
    """Who called a sub-orchestration: the instance, its execution, and the task that waits."""

    instance_id: str
    execution_id: str
    task_id: int


@dataclass(frozen=True, slots=True)
class ExecutionStarted:
    timestamp: datetime
    name: str
    input: str | None = None
    version: str = ""
    generation: int | None = 0
    parent: ParentInstance | None = None


@dataclass(frozen=True, slots=True)
class ExecutionCompleted:
    """The end of an execution.

    `result` is JSON text when `status` is COMPLETED, else plain text (the failure, or the reason).

    `details` is what the code of a failed one raised, as JSON text: who compares two endings does
    not ask for its frames.
    """

    timestamp: datetime
    status: RuntimeStatus
    result: str | None = None
    details: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ExecutionTerminated:
    """The end that somebody has asked for, with `recurse` also of what the execution called."""

    timestamp: datetime
    reason: str | None = None
    recurse: bool = False


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """The end of an execution that continues as a new one with `input`."""

    timestamp: datetime
    input: str | None = None

    @property
    def status(self) -> RuntimeStatus:
        return RuntimeStatus.CONTINUED_AS_NEW


@dataclass(frozen=True, slots=True)
class TaskScheduled:
    timestamp: datetime
    task_id: int
    name: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    timestamp: datetime
    task_id: int
    result: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    timestamp: datetime
    task_id: int
    reason: str = ""
    details: str | None = None


@dataclass(frozen=True, slots=True)
class SubOrchestrationCreated:
    timestamp: datetime
    task_id: int
    name: str
    instance_id: str
    input: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SubOrchestrationCompleted:
    timestamp: datetime
    task_id: int
    result: str | None = None


@dataclass(frozen=True, slots=True)
class SubOrchestrationFailed:
    timestamp: datetime
    task_id: int
    reason: str = ""
    details: str | None = None


@dataclass(frozen=True, slots=True)
class TimerCreated:
    timestamp: datetime
    task_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class TimerFired:
    timestamp: datetime
    task_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class EventSent:
    """A message to another instance (in 1.x always an entity): `name` is "op" and `input` the
    request, as the original writes it.
    """

    timestamp: datetime
    task_id: int
    instance_id: str
    name: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class EventRaised:
    timestamp: datetime
    name: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionSuspended:
    timestamp: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResumed:
    timestamp: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionRewound:
    timestamp: datetime
    reason: str | None = None
    parent_execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrchestratorStarted:
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class OrchestratorCompleted:
    timestamp: datetime


Decision = TaskScheduled | SubOrchestrationCreated | TimerCreated | EventSent
"""What an orchestrator can decide: the history event that the decision becomes."""
DECISIONS = frozenset(get_args(Decision))

Call = TaskScheduled | SubOrchestrationCreated
Failed = TaskFailed | SubOrchestrationFailed
Answer = TaskCompleted | SubOrchestrationCompleted | Failed
"""What answers a call."""

Inbound = (
    ExecutionStarted
    | ExecutionTerminated
    | ExecutionSuspended
    | ExecutionResumed
    | ExecutionRewound
    | Answer
    | TimerFired
    | EventRaised
)
"""What can reach an instance from outside."""

Event = (
    Decision
    | Inbound
    | ExecutionCompleted
    | ContinueAsNew
    | OrchestratorStarted
    | OrchestratorCompleted
)
