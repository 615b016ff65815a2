"""What passes between the dispatcher and the store: work items in, the rows of a commit out; values
only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from durablectl.engine.store.instances import NewInstance
from durablectl.history.events import Event, ExecutionStarted, ExecutionTerminated
from durablectl.model import RuntimeStatus


@dataclass(slots=True)
class LoadedInstance:
    """An instance as a worker loads it: what its current execution is, and its history (empty when
    it has not started). `tags` is a JSON object of texts.
    """

    key: int
    instance_id: str
    execution_id: str
    started: ExecutionStarted
    status: RuntimeStatus
    root: int
    parent: int | None
    next_sequence: int = 0
    past: list[Event] = field(default_factory=list)
    tags: str | None = None


@dataclass(slots=True)
class WorkItem:
    """What an instance has to see: its messages in order, and the keys of the rows they came in.

    `loaded` when the execution begins.

    An entity has a `batch` instead of events.
    """

    instance: int
    keys: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    loaded: LoadedInstance | None = None
    batch: EntityBatch | None = None


@dataclass(frozen=True, slots=True)
class ActivityItem:
    """One activity to run, leased to `worker`."""

    instance: int
    execution_id: str
    task_id: int
    name: str
    input: str | None
    worker: int
    instance_id: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, its input as JSON text, and whether somebody waits for the
    result."""

    name: str
    input: str | None = None
    is_signal: bool = True


@dataclass(frozen=True, slots=True)
class EntityBatch:
    """Operations that an entity, leased to `worker`, has to run one after the other.

    `keys` are their inbox rows, `callers` who waits for each, if anybody.
    """

    worker: int
    instance: int
    entity_id: str
    state: str | None
    keys: tuple[int, ...]
    operations: tuple[Operation, ...]
    callers: tuple[Caller | None, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """The execution of the instance that called an entity, and the id of its request."""

    instance: int
    execution_id: str
    request_id: str


class Continuation(NamedTuple):
    """An instance that continues as a new execution with `input`; `events` are (at, event text)
    that it still has to see. A `version` of None stays what it is.
    """

    instance: int
    execution_id: str
    at: int
    input: str | None
    events: tuple[tuple[int, str], ...]
    version: str | None = None


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """An operation on its way to an entity; `request` is the JSON text that the original sends.

    The sender is a key and an execution. It is visible from `due` on (microseconds), at once
    without.
    """

    entity_id: str
    request: str
    at: int
    sender: int | None = None
    sender_execution: str | None = None
    due: int | None = None


@dataclass(slots=True)
class Commit:
    """Everything that one commit writes, as rows for `executemany`; the columns stand in the
    statements of `commit_rows.py`.
    """

    consumed: list[tuple[int]] = field(default_factory=list)
    history: list[tuple[int, int, int, str]] = field(default_factory=list)
    updated: list[tuple[int, int]] = field(default_factory=list)
    status_changes: list[tuple[int, int, int]] = field(default_factory=list)
    custom_statuses: list[tuple[str, int]] = field(default_factory=list)
    ended: list[tuple[int, int, str | None, int]] = field(default_factory=list)
    cleaned_up: list[tuple[int]] = field(default_factory=list)
    swept: list[tuple[int]] = field(default_factory=list)
    activities: list[tuple[int, int, str, str, str | None, int, int | None]] = field(
        default_factory=list
    )
    completed_activities: list[tuple[int, int]] = field(default_factory=list)
    timers: list[tuple[int, int, int, str, str, int]] = field(default_factory=list)
    cancelled: list[tuple[int, int]] = field(default_factory=list)
    children: list[NewInstance] = field(default_factory=list)
    continuations: list[Continuation] = field(default_factory=list)
    starts: list[NewInstance] = field(default_factory=list)
    terminated: list[tuple[int, ExecutionTerminated]] = field(default_factory=list)
    requests: list[EntityRequest] = field(default_factory=list)
    events: list[tuple[str, int, str]] = field(default_factory=list)
    answers: list[tuple[int, str, int, str]] = field(default_factory=list)
    orphaned_results: list[tuple[int, str, int, str, int, int]] = field(default_factory=list)
    entity_failures: list[tuple[int, int, str]] = field(default_factory=list)
    released: list[tuple[int]] = field(default_factory=list)
    entity_states: list[tuple[str | None, int, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(_rows_of(self))


_rows_of: Callable[[Commit], tuple[list[object], ...]] = attrgetter(*Commit.__slots__)


@dataclass(frozen=True, slots=True)
class WorkerFilter:
    """What a worker takes on: instances of these functions (None: of any) and activities of these
    names, all in lower case.

    Entities are named as `@name`. `roots` restricts it to these instances and what they call (None:
    no restriction); entities are always taken.
    """

    functions: tuple[str, ...] | None
    activities: tuple[str, ...]
    roots: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a fetch asks for: at most `limit` messages of a kind and `room` activities, and none for
    the `busy` instances.
    """

    limit: int
    room: int
    busy: tuple[int, ...] = ()


@dataclass(slots=True)
class FetchResult:
    """The result of a fetch: what to do next.

    `is_more` when a limit was reached; `next_due` is when the next timer becomes visible.
    """

    items: list[WorkItem] = field(default_factory=list)
    activities: list[ActivityItem] = field(default_factory=list)
    is_more: bool = False
    next_due: datetime | None = None
