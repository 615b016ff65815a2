"""The explanation of an instance, as values, and as JSON; no I/O, no clock.

Times are aware UTC datetimes, durations seconds. What could not be found out is in `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from durablectl.model import InstanceDetails, RuntimeStatus
from durablectl.quoting import command
from durablectl.wire import exact_time_to_text, value_from_text

NO_WORKER = "no worker is running on this hub, so it cannot continue"
"""The problem of every unfinished instance of a hub without a worker."""


class StepKind(Enum):
    """What an orchestrator can wait for."""

    ACTIVITY = "activity"
    CHILD = "subOrchestration"
    ENTITY = "entity"
    TIMER = "timer"
    EVENT = "event"


class Progress(Enum):
    """How far an activity is, where the hub shows it."""

    QUEUED = "queued"
    RUNNING = "running"
    LOST = "lost"
    """Its worker has ended or does not respond; another one runs it again."""
    RETRYING = "retrying"
    """It failed, and is called again at `until`."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that keeps an instance.

    `name` is that of the activity, orchestrator, operation or event; "" for an event whose name is
    not known. Of a timer after a failed call it is the name of what failed. `place` is the line of
    the app's code, as `function_app.py:41`. `attempts` is the maximum number of calls, where it is
    known. `instance_id` is that of the sub-orchestration or entity; `called_by` is who called an
    operation that an entity has not run yet. `status` is None where the sub-orchestration is not
    there. `waiting_for` is what it waits for itself. `queue` counts the operations that wait for an
    entity. `worker` is a process id. `until` of a lost activity is when the lease of a worker that
    does not respond ends; None where it has ended.
    """

    kind: StepKind
    name: str = ""
    since: datetime | None = None
    place: str = ""
    until: datetime | None = None
    progress: Progress | None = None
    worker: int | None = None
    attempt: int = 1
    attempts: int | None = None
    last_failure: str = ""
    instance_id: str = ""
    status: RuntimeStatus | None = None
    queue: int | None = None
    called_by: str = ""
    is_awaited: bool | None = None
    """Whether the code waits for it now: None where only the code could say."""
    waiting_for: tuple[Wait, ...] = ()

    def to_json(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "kind": self.kind.value,
            "name": self.name or None,
            "since": _time(self.since),
            "place": self.place or None,
            "until": _time(self.until),
            "progress": self.progress.value if self.progress else None,
            "worker": self.worker,
            "attempt": self.attempt,
            "maxAttempts": self.attempts,
            "lastFailure": self.last_failure or None,
            "instanceId": self.instance_id or None,
            "runtimeStatus": self.status.value if self.status else None,
            "queue": self.queue,
            "calledBy": self.called_by or None,
            "isAwaited": self.is_awaited,
        }
        return members | {"waitingFor": [each.to_json() for each in self.waiting_for]}


@dataclass(frozen=True, slots=True)
class Received:
    """An external event that has arrived.

    `is_used` says whether the code has waited for it, None where only the code could say. One that
    is not `is_delivered` lies in a local hub until a worker takes it in.
    """

    name: str
    at: datetime | None
    is_used: bool | None = None
    is_delivered: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "at": _time(self.at),
            "isUsed": self.is_used,
            "isDelivered": self.is_delivered,
        }


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that failed for good, after `attempts` calls."""

    kind: StepKind
    name: str
    attempts: int = 1
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "name": self.name,
            "attempts": self.attempts,
            "cause": self.text,
        }


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """One instance of the chain from an instance down to its first failure.

    `call` is the one that made it fail; None where its own code raised.
    """

    instance_id: str
    name: str
    call: FailedCall | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "instanceId": self.instance_id,
            "name": self.name,
            "call": None if self.call is None else self.call.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instance failed: the innermost cause, and the instances it came up through, the
    explained one first.

    `frames` are the app's own frames of the traceback, each a place with its line of the source
    below it. `also_failed` are other calls of the same instances that failed.
    """

    cause: str
    place: str
    frames: tuple[str, ...]
    chain: tuple[FailedInstance, ...]
    also_failed: tuple[FailedCall, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "cause": self.cause,
            "place": self.place or None,
            "frames": list(self.frames),
            "chain": [each.to_json() for each in self.chain],
            "alsoFailed": [each.to_json() for each in self.also_failed],
        }


@dataclass(frozen=True, slots=True)
class Span:
    """A step that is over: what it was and how long it took."""

    kind: StepKind
    name: str
    begin: datetime
    end: datetime
    attempts: int = 1
    instance_id: str = ""

    @property
    def seconds(self) -> float:
        return max((self.end - self.begin).total_seconds(), 0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "name": self.name or None,
            "begin": _time(self.begin),
            "seconds": self.seconds,
            "attempts": self.attempts,
            "instanceId": self.instance_id or None,
        }


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Where the time of a finished execution went.

    `path` are the steps that it could not have ended earlier without, in order; `between` are the
    seconds that no step of the path took. `longest` are the three longest steps.
    """

    seconds: float
    path: tuple[Span, ...]
    between: float
    longest: tuple[Span, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "criticalPath": [each.to_json() for each in self.path],
            "betweenSteps": self.between,
            "longest": [each.to_json() for each in self.longest],
        }


@dataclass(frozen=True, slots=True)
class Intervention:
    """That a person or the service suspended or ended the instance, and the reason that was
    given."""

    at: datetime | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"at": _time(self.at), "reason": self.reason or None}


@dataclass(frozen=True, slots=True)
class Next:
    """A command to run next: a verb with its words and options, and what it is good for."""

    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return command(self.words[0], *self.words[1:], options=self.options)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an instance does or waits for, and why.

    `problems` keep it from continuing and come first: no worker, a missing function, a suspended
    parent; when it `is_blocked`, nothing helps before they are gone. With `is_any` the first of
    several waits lets it continue. `since` is when the last thing happened to it. `details` are
    what the hub knows beyond the status; nothing over HTTP.
    """

    instance_id: str
    name: str
    runtime_status: RuntimeStatus
    created: datetime
    since: datetime
    problems: tuple[str, ...] = ()
    is_blocked: bool = False
    waiting_for: tuple[Wait, ...] = ()
    is_any: bool = False
    received: tuple[Received, ...] = ()
    intervention: Intervention | None = None
    failure: Failure | None = None
    time_spent: TimeSpent | None = None
    next: tuple[Next, ...] = ()
    unknown: tuple[str, ...] = ()
    details: InstanceDetails = field(default_factory=InstanceDetails)
    failure_details: str | None = None

    def to_json(self, line: Callable[[Next], str] = str) -> dict[str, Any]:
        """As a JSON object; `line` writes a command to run next."""
        of_parts = (self.intervention, self.failure, self.time_spent)
        intervention, failure, spent = (part and part.to_json() for part in of_parts)
        return {
            "instanceId": self.instance_id,
            "name": self.name,
            "runtimeStatus": self.runtime_status.value,
            "version": self.details.version,
            "tags": dict(self.details.tags),
            "parentInstanceId": self.details.parent_instance_id,
            "createdTime": _time(self.created),
            "scheduledStartTime": _time(self.details.scheduled_start),
            "completedTime": _time(self.details.completed_time),
            "since": _time(self.since),
            "problems": list(self.problems),
            "isBlocked": self.is_blocked,
            "waitingFor": [each.to_json() for each in self.waiting_for],
            "isAny": self.is_any,
            "received": [each.to_json() for each in self.received],
            "intervention": intervention,
            "failure": failure,
            "failureDetails": value_from_text(self.failure_details),
            "timeSpent": spent,
            "next": [{"command": line(each), "note": each.note or None} for each in self.next],
            "unknown": list(self.unknown),
        }


def _time(time: datetime | None) -> str | None:
    return None if time is None else exact_time_to_text(time)
