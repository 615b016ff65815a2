"""What a task hub is made of, as plain values; no I/O, no JSON, no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from durablectl.causes import Cause, cause_of


def utc(time: datetime) -> datetime:
    """The same time in UTC; one without a zone is UTC already, as in the service and its SDKs,
    never the machine's own time.
    """
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


class RuntimeStatus(Enum):
    """The state of an instance, in the service's words.

    UNKNOWN is the service's own answer for a state it cannot name.
    """

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"
    CANCELED = "Canceled"
    UNKNOWN = "Unknown"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATUSES


FINAL_STATUSES = frozenset(
    {
        RuntimeStatus.COMPLETED,
        RuntimeStatus.FAILED,
        RuntimeStatus.TERMINATED,
        RuntimeStatus.CANCELED,
    }
)
UNDER_WAY = frozenset(
    {RuntimeStatus.PENDING, RuntimeStatus.RUNNING, RuntimeStatus.CONTINUED_AS_NEW}
)
IN_FLIGHT = UNDER_WAY | {RuntimeStatus.SUSPENDED}


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event as the service shows it in `historyEvents`.

    `members` are the service's own, in its order, `EventType` and `Timestamp` included; look them
    up by name. `position` is the place in the complete history, where the hub has one, of what
    happened or was decided first: of the answer to a call, the place of the call.
    """

    event_type: str
    timestamp: datetime | None
    members: Mapping[str, Any] = field(hash=False)
    position: int = field(default=0, compare=False, repr=False)


class InstanceDetails(NamedTuple):
    """What local hubs and those over gRPC know of an instance beyond the service's status object.

    None, and no tags, where there is nothing, or where the hub does not say. `scheduled_start` is
    the time that it was asked to start at.
    """

    version: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    execution_id: str | None = None
    parent_instance_id: str | None = None
    scheduled_start: datetime | None = None
    completed_time: datetime | None = None

    def starts_after(self, now: datetime) -> bool:
        """Whether it was asked to start at a time that is still ahead."""
        return self.scheduled_start is not None and self.scheduled_start > now


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """The status object of an instance.

    `input`, `custom_status` and `output` are decoded JSON; text that is not JSON stays a string.

    Times are aware UTC datetimes. `history` is None unless it was asked for. `failure_details` is
    more of a failure than the service's status object has, where the hub knows it: the exception as
    JSON text. `details` are what a hub over gRPC says beyond that; see `TaskHub.details`.
    """

    name: str
    instance_id: str
    runtime_status: RuntimeStatus
    created_time: datetime
    last_updated_time: datetime
    input: Any = field(default=None, hash=False)
    custom_status: Any = field(default=None, hash=False)
    output: Any = field(default=None, hash=False)
    history: tuple[HistoryEvent, ...] | None = None
    failure_details: str | None = field(default=None, repr=False, compare=False)
    details: InstanceDetails | None = field(default=None, repr=False, compare=False)

    @property
    def is_final(self) -> bool:
        return self.runtime_status in FINAL_STATUSES

    @property
    def cause(self) -> Cause | None:
        """Why the instance failed, and through which functions; None when it has not failed."""
        return (
            cause_of(self.output, self.failure_details)
            if self.runtime_status is RuntimeStatus.FAILED
            else None
        )

    @property
    def is_entity(self) -> bool:
        return self.instance_id.startswith("@")

    @property
    def is_child(self) -> bool:
        """Whether the id is one that the service gives a sub-orchestration which was given none:
        `<guid>:<number>`.
        """
        return is_child_id(self.instance_id)


def is_child_id(instance_id: str) -> bool:
    """Whether an id is one that a sub-orchestration gets which was given none."""
    return re.fullmatch(_CHILD, instance_id) is not None


_CHILD = r"(?i)[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}:[0-9a-f]+"


@dataclass(frozen=True, slots=True)
class CheckStatusPayload:
    """Where an instance can be watched and steered: the service's check-status (or management)
    payload.

    The addresses hold the literal placeholders `{eventName}` and `{text}`. Which of them are there
    depends on who made the payload: the service's own 202 has no `rewind_post_uri`, a management
    payload has, a .NET isolated app leaves out `restart_post_uri`. `entries` keeps the members as
    they came, in their order; it is what `-o json` shows. `attached` is the instance that a start
    with ATTACH found and continues with.
    """

    id: str
    entries: Mapping[str, str] = field(default_factory=dict, hash=False)
    attached: InstanceStatus | None = field(default=None, compare=False, repr=False)

    @property
    def status_query_get_uri(self) -> str | None:
        return self.entries.get("statusQueryGetUri")

    @property
    def send_event_post_uri(self) -> str | None:
        return self.entries.get("sendEventPostUri")

    @property
    def terminate_post_uri(self) -> str | None:
        return self.entries.get("terminatePostUri")

    @property
    def rewind_post_uri(self) -> str | None:
        return self.entries.get("rewindPostUri")

    @property
    def purge_history_delete_uri(self) -> str | None:
        return self.entries.get("purgeHistoryDeleteUri")

    @property
    def restart_post_uri(self) -> str | None:
        return self.entries.get("restartPostUri")

    @property
    def suspend_post_uri(self) -> str | None:
        return self.entries.get("suspendPostUri")

    @property
    def resume_post_uri(self) -> str | None:
        return self.entries.get("resumePostUri")


@dataclass(frozen=True, slots=True)
class EntityId:
    """The name and key of an entity. Names are compared without regard to case, keys with it."""

    name: str
    key: str

    def __str__(self) -> str:
        """The instance id of the entity: `@name@key`, the name in lower case."""
        return f"@{self.name.lower()}@{self.key}"

    @classmethod
    def parse(cls, text: str) -> EntityId:
        """Read `@name@key` or `name@key`; ValueError when it is neither.

        The key may be empty or hold an `@`.
        """
        name, at, key = text.removeprefix("@").partition("@")
        if not name or not at:
            raise ValueError(f"'{text}' is not an entity id (expected @name@key)")
        return cls(name, key)


@dataclass(frozen=True, slots=True)
class EntityStatus:
    """An entity in a listing. `state` is None unless it was fetched."""

    entity_id: EntityId
    last_operation_time: datetime
    state: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """Which instances a listing shows: all conditions must hold, an empty one holds for every
    instance.

    Time bounds are inclusive.

    `name` is the orchestrator's, compared without regard to case. Times without a zone are UTC.
    Entities are left out unless `include_entities`.
    """

    statuses: frozenset[RuntimeStatus] = frozenset()
    name: str | None = None
    prefix: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    include_entities: bool = False

    def __post_init__(self) -> None:
        for name in ("created_from", "created_to", "updated_from", "updated_to"):
            if (time := getattr(self, name)) is not None:
                object.__setattr__(self, name, utc(time))

    def matches(self, status: InstanceStatus) -> bool:
        return (
            (not self.statuses or status.runtime_status in self.statuses)
            and (self.name is None or status.name.lower() == self.name.lower())
            and status.instance_id.startswith(self.prefix)
            and (self.created_from is None or status.created_time >= self.created_from)
            and (self.created_to is None or status.created_time <= self.created_to)
            and (self.updated_from is None or status.last_updated_time >= self.updated_from)
            and (self.updated_to is None or status.last_updated_time <= self.updated_to)
            and (self.include_entities or not status.is_entity)
        )


Item = TypeVar("Item", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a listing.

    It may be empty and still have a `continuation_token`; None means that it is the last.
    """

    items: tuple[Item, ...]
    continuation_token: str | None = None

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


class IfExists(Enum):
    """What `start` does when any instance, finished or not, already has the id."""

    FAIL = "fail"
    ATTACH = "attach"
    REPLACE = "replace"


class InstanceStart(NamedTuple):
    """What is to be started. `input` is JSON text; without an `instance_id` one is made."""

    orchestrator: str
    input: str | None = None
    instance_id: str | None = None
    version: str | None = None
    if_exists: IfExists = IfExists.FAIL
    at: datetime | None = None
    tags: Mapping[str, str] = MappingProxyType({})


class StatusParts(NamedTuple):
    """What a status object is to have besides the rest."""

    show_input: bool = True
    show_history: bool = False
    show_history_output: bool = False


class PageRequest(NamedTuple):
    """One page of at most `top`, after the one that gave the `token`.

    `has_payloads`: with the inputs of instances, the states of entities.
    """

    top: int
    token: str | None
    has_payloads: bool


def utc_now() -> datetime:
    """The time now, with its zone."""
    return datetime.now(UTC)
