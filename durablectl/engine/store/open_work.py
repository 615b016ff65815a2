"""What a hub's rows say of an unfinished instance: who holds it, what waits for it, and how far its
calls are; reads only, and runs no user code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from durablectl.engine.store.database import Database
from durablectl.history.columns import STATUSES, micros, moment
from durablectl.history.events import (
    EventRaised,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
)
from durablectl.history.stored import decode_event
from durablectl.model import RuntimeStatus

DEEPEST = 64
MOST_ROWS = 1000
_REQUESTS = {
    ExecutionTerminated: "termination",
    ExecutionSuspended: "suspension",
    ExecutionResumed: "resumption",
}
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class CalledActivity:
    """An activity that has no result yet. `worker` is the key of who has leased it, `rank` how many
    that worker leased before it.
    """

    task_id: int
    name: str
    scheduled_at: datetime
    worker: int | None
    leased_at: datetime | None
    rank: int


@dataclass(frozen=True, slots=True)
class Ancestor:
    """An instance that called this one, directly or not."""

    instance_id: str
    status: RuntimeStatus


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """An external event or a request that the instance has not seen yet, or an operation that the
    entity has not run yet; `caller` is the instance that called it.
    """

    name: str
    at: datetime
    caller: str = ""


@dataclass(frozen=True, slots=True)
class OpenWork:
    """The rows of one instance.

    `worker` is the key of who holds it. `messages` counts what it has not seen although it could,
    among them `events`, and `requests` to end or pause it; `timers` are when its timers fire.
    """

    root: int
    worker: int | None
    messages: int
    timers: frozenset[datetime]
    activities: tuple[CalledActivity, ...]
    events: tuple[WaitingMessage, ...]
    requests: tuple[WaitingMessage, ...]
    ancestors: tuple[Ancestor, ...]


def open_work(database: Database, instance_id: str, now: datetime) -> OpenWork | None:
    """The rows of an instance; None when there is no such instance."""
    row = database.one(
        "SELECT key, coalesce(root, key), worker, parent FROM instances WHERE id = ?",
        (instance_id,),
    )
    if row is None:
        return None
    key, root, worker, parent = row
    ((messages,),) = database.query(
        "SELECT count(*) FROM inbox WHERE instance = ? AND visible_at <= ?", (key, micros(now))
    )
    events, requests = _inbound(database, key)
    timers = database.query(
        "SELECT visible_at FROM inbox WHERE instance = ? AND timer IS NOT NULL LIMIT ?",
        (key, MOST_ROWS),
    )
    return OpenWork(
        root,
        worker,
        messages,
        frozenset(moment(at) for (at,) in timers),
        tuple(_activities(database, key)),
        tuple(events),
        tuple(requests),
        tuple(_ancestors(database, parent)),
    )


def operations(database: Database, entity_id: str) -> list[WaitingMessage]:
    """The operations in an entity's queue, the oldest first."""
    rows = database.query(
        "SELECT m.at, m.event, c.id FROM inbox m JOIN instances i ON i.key = m.instance"
        " LEFT JOIN instances c ON c.key = json_extract(m.event, '$[1]')"
        # an event, which earlier versions took for entities, begins with its number
        " WHERE i.id = ? AND m.event LIKE '[\"%' ORDER BY m.key LIMIT ?",
        (entity_id, MOST_ROWS),
    )
    return [
        WaitingMessage(
            str(json.loads(json.loads(event)[0]).get("op") or ""), moment(at), caller or ""
        )
        for at, event, caller in rows
    ]


def _inbound(
    database: Database, key: int
) -> tuple[Sequence[WaitingMessage], Sequence[WaitingMessage]]:
    """The external events and the requests that it has not seen, the oldest first."""
    events, requests = [], []
    rows = database.query(
        "SELECT at, event FROM inbox WHERE instance = ? AND event IS NOT NULL AND timer IS NULL"
        " ORDER BY key LIMIT ?",
        (key, MOST_ROWS),
    )
    for at, stored in rows:
        event = decode_event(stored, at)
        # the answer of an entity is named by the id of its request
        if isinstance(event, EventRaised) and not _REQUEST_ID.fullmatch(event.name):
            events.append(WaitingMessage(event.name, moment(at)))
        elif (request := _REQUESTS.get(type(event))) is not None:
            requests.append(WaitingMessage(request, moment(at)))
    return events, requests


def _activities(database: Database, key: int) -> Sequence[CalledActivity]:
    leased = "a.leased_at" if database.has_column("activities", "leased_at") else "NULL"
    rows = database.query(
        f"SELECT a.task_id, a.name, a.scheduled_at, a.worker, {leased},"
        " (SELECT count(*) FROM activities b WHERE b.worker = a.worker AND"
        " (b.scheduled_at, b.instance, b.task_id) < (a.scheduled_at, a.instance, a.task_id))"
        " FROM activities a WHERE a.instance = ? ORDER BY a.task_id LIMIT ?",
        (key, MOST_ROWS),
    )
    return [
        # leased by the commit that scheduled it, unless it says otherwise
        CalledActivity(
            task_id,
            name,
            moment(scheduled_at),
            worker,
            None if worker is None else moment(leased_at or scheduled_at),
            rank,
        )
        for task_id, name, scheduled_at, worker, leased_at, rank in rows
    ]


def _ancestors(database: Database, parent: int | None) -> Sequence[Ancestor]:
    rows = database.query(
        "WITH RECURSIVE callers (key, parent, id, status, depth) AS ("
        " SELECT key, parent, id, status, 1 FROM instances WHERE key = ?"
        " UNION ALL SELECT i.key, i.parent, i.id, i.status, depth + 1 FROM instances i"
        " JOIN callers c ON i.key = c.parent WHERE depth < ?)"
        " SELECT id, status FROM callers ORDER BY depth",
        (parent, DEEPEST),
    )
    return [Ancestor(id_, STATUSES[status]) for id_, status in rows]
