"""A worker's leases: its registration in a hub, what it commits, and what it fetches.

A worker is a row in `workers` whose key is never used again; its heartbeat is a column of it. Every
commit starts by looking for that row. A worker that is taken over has none: its commit is refused,
and nothing of it is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from durablectl.engine.store.commit_rows import write_commit
from durablectl.engine.store.connections import LiveLock
from durablectl.engine.store.database import Connection, Database
from durablectl.engine.store.executions import COLUMNS, JOINS, loaded_instance
from durablectl.engine.store.instances import FINAL, NOW_AT, START_AT
from durablectl.engine.store.locks import read_batches
from durablectl.engine.store.work_items import (
    ActivityItem,
    Commit,
    FetchRequest,
    FetchResult,
    LoadedInstance,
    WorkerFilter,
    WorkItem,
)
from durablectl.errors import DurablectlError
from durablectl.history.columns import micros, moment
from durablectl.history.stored import Outline, decode_episode, decode_event

LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 1
_TERMINATED = "[3,%"  # what history/stored.py writes an ExecutionTerminated as


class LeaseLost(DurablectlError):
    """Another worker has taken over what this one held; nothing of its work was written."""


class WorkerLease:
    """One worker's registration, from `open` until `close` or until another worker takes over."""

    def __init__(
        self, database: Database, filter: WorkerFilter, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._takes_instance, self._takes_activity, self._values = _conditions(filter)
        self._ticks = ticks
        # of other workers: the last one, and when it was first seen
        self._heartbeats: dict[int, tuple[int, float]] = {}
        self._last_heartbeat = ticks()
        self._lock: LiveLock | None = None
        self.key = 0

    def open(self, about: dict[str, Any], now: datetime) -> None:
        """Register, holding a lock file for as long as the process lives; `about` is JSON that
        others may read.
        """
        self._database.check_file()  # where it is gone, the lock would only tell of itself
        self._lock = LiveLock(
            self._database.path.with_name(f"{self._database.path.name}-worker-{uuid4().hex[:12]}")
        )
        try:
            with self._database.transaction() as sql:
                made = sql.execute(
                    "INSERT INTO workers (lock_file, seen_at, about) VALUES (?, ?, ?)",
                    (self._lock.path.name, micros(now), json.dumps(about)),
                )
                # a key is never used again, so a late result cannot count for a later registration
                self.key = made.lastrowid or 0
        except BaseException:
            self.abandon()
            raise

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write what others may read of this worker, in the place of what it said before."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE workers SET about = ? WHERE key = ?", (json.dumps(about), self.key))

    def close(self) -> None:
        """Leave: what this worker held is free for others at once."""
        try:
            with self._database.transaction() as sql:
                _free(sql, self.key)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the lock only; another worker frees what this one held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def free_dead_workers(self, now: datetime) -> bool:
        """Free what dead or stalled workers hold; whether there was one.

        A worker is stalled when this one has seen no sign of it for LEASE_SECONDS of its own
        `ticks`: a clock that jumps does not make a worker look stalled.
        """
        others = [worker for worker in workers(self._database, now) if worker.key != self.key]
        dead = [worker for worker in others if not worker.is_locked or self._is_stalled(worker)]
        if dead:
            with self._database.transaction() as sql:
                for worker in dead:
                    _free(sql, worker.key)
            for worker in dead:
                # after the commit: a crash in between leaves a file that holds nothing
                worker.lock_file.unlink(missing_ok=True)
        return bool(dead)

    def _is_stalled(self, worker: LiveWorker) -> bool:
        # its clock and this one's may differ: only that its heartbeat changes counts
        ticks = self._ticks()
        seen_at, since = self._heartbeats.get(worker.key, (None, ticks))
        if seen_at != worker.seen_at:
            since = ticks
        self._heartbeats[worker.key] = worker.seen_at, since
        return ticks - since > LEASE_SECONDS

    def commit(self, rows: Commit, now: datetime, want: FetchRequest | None) -> FetchResult:
        """Write a commit, and lease what `want` asks for: all of it or nothing.

        `LeaseLost` when another worker took over, `HubUnusable` when the file cannot be written.
        """
        if self._lock is None:  # given up: the file may be closed at this moment
            raise LeaseLost("this worker has given up its instances")
        with self._database.transaction() as sql:
            # In the same transaction: after an earlier look another worker could still take over.
            if not sql.execute("SELECT 1 FROM workers WHERE key = ?", (self.key,)).fetchone():
                raise LeaseLost("another worker has taken over this worker's instances")
            # Not with each commit: it is one more page to sync, and wakes the idle workers.
            if (ticks := self._ticks()) - self._last_heartbeat > HEARTBEAT_SECONDS:
                sql.execute("UPDATE workers SET seen_at = ? WHERE key = ?", (micros(now), self.key))
                self._last_heartbeat = ticks
            write_commit(sql, rows)
            return self._fetch(sql, now, want) if want is not None else FetchResult()

    def load(self, instances: Sequence[int]) -> dict[int, LoadedInstance]:
        """Instances that this worker has leased but does not hold in memory, with their
        histories."""
        keys = json.dumps(list(instances))
        rows = self._database.query(
            f"SELECT i.tags, {COLUMNS} FROM instances i {JOINS} WHERE i.key IN "
            "(SELECT value FROM json_each(?))",
            (keys,),
        )
        found = {}
        for tags, *columns in rows:
            loaded = loaded_instance(columns)
            loaded.tags = tags
            found[loaded.key] = loaded
        episodes = self._database.query(
            "SELECT instance, sequence, at, events FROM history WHERE instance IN (SELECT value "
            "FROM json_each(?))"
            " ORDER BY instance, sequence",
            (keys,),
        )
        for instance, sequence, at, events in episodes:
            loaded = found[instance]
            loaded.past.extend(decode_episode(events, at, Outline(loaded.started)))
            loaded.next_sequence = sequence + 1
        return found

    def _fetch(self, sql: Connection, now: datetime, want: FetchRequest) -> FetchResult:
        items: dict[int, WorkItem] = {}
        # first, so that messages which came since then find the instance started
        starts = self._starts(sql, want, items)
        is_full = self._messages(sql, f"m.visible_at = {NOW_AT}", now, want, items)
        due = _next_due(sql, NOW_AT)
        if due is not None and due <= now:
            is_full |= _release_starts(sql, now)
            is_full |= self._messages(
                sql, f"m.visible_at > {NOW_AT} AND m.visible_at <= {micros(now)}", now, want, items
            )
            due = _next_due(sql, micros(now))
        # the rest is only tidied up
        leased = [item.instance for item in items.values() if item.events or item.batch is not None]
        if leased:
            sql.execute(
                "UPDATE instances SET worker = ? WHERE worker IS NULL AND key IN (SELECT value "
                "FROM json_each(?))",
                (self.key, json.dumps(leased)),
            )
        activities = self._activities(sql, now, want.room) if want.room > 0 else []
        return FetchResult(list(items.values()), activities, starts or is_full, due)

    def _starts(self, sql: Connection, want: FetchRequest, items: dict[int, WorkItem]) -> bool:
        rows = sql.execute(
            f"SELECT m.key, i.tags, {COLUMNS} FROM inbox m JOIN instances i ON i.key = m.instance "
            f"{JOINS} WHERE m.visible_at = {START_AT} AND {self._takes_instance}"
            " ORDER BY m.key LIMIT :limit",
            self._values | {"me": self.key, "limit": want.limit},
        ).fetchall()
        for key, tags, *columns in rows:
            loaded = loaded_instance(columns)
            loaded.tags = tags
            items[loaded.key] = WorkItem(loaded.key, [key], [loaded.started], loaded)
        if rows:
            self._terminations(sql, items)
        return bool(rows)

    def _terminations(self, sql: Connection, items: dict[int, WorkItem]) -> None:
        """Let what was terminated before it began end in its first episode: what the code decides
        there is not carried out.
        """
        terminated = sql.execute(
            "SELECT instance, key, at, event FROM inbox WHERE instance IN (SELECT value FROM "
            f"json_each(?)) AND visible_at = {NOW_AT} AND event LIKE '{_TERMINATED}' ORDER BY key",
            (json.dumps(list(items)),),
        )
        for instance, key, at, event in terminated:
            items[instance].keys.append(key)
            items[instance].events.append(decode_event(event, at))

    def _messages(
        self,
        sql: Connection,
        visible: str,
        now: datetime,
        want: FetchRequest,
        items: dict[int, WorkItem],
    ) -> bool:
        """Messages of instances that have started.

        What only an earlier execution could see, or a finished instance, is just consumed.
        """
        busy = f" AND m.instance NOT IN ({', '.join(map(str, want.busy))})" if want.busy else ""
        rows = sql.execute(
            "SELECT m.key, m.instance, m.at, m.event, m.execution_id IS NULL OR m.execution_id = "
            "i.execution_id, i.status, m.timer,"
            " substr(i.id, 1, 1) = '@' FROM inbox m JOIN instances i ON i.key = m.instance WHERE "
            f"{visible} AND i.status NOT IN (2, 6) AND {self._takes_instance}{busy}"
            " ORDER BY m.visible_at, m.key LIMIT :limit",
            self._values | {"me": self.key, "limit": want.limit},
        ).fetchall()
        fired = micros(now)
        entities: dict[int, list[tuple[int, str]]] = {}
        for key, instance, at, event, is_current, status, timer, is_entity in rows:
            if is_entity:
                entities.setdefault(instance, []).append((key, event))
                continue
            item = items.get(instance) or items.setdefault(instance, WorkItem(instance))
            item.keys.append(key)
            if is_current and status not in FINAL:
                item.events.append(decode_event(event, at if timer is None else fired))
        batches, has_changed = read_batches(sql, entities, self.key, fired)
        for batch in batches:
            items[batch.instance] = WorkItem(batch.instance, batch=batch)
        return has_changed or len(rows) >= want.limit

    def _activities(self, sql: Connection, now: datetime, room: int) -> list[ActivityItem]:
        rows = sql.execute(
            "SELECT a.instance, a.execution_id, a.task_id, a.name, a.input, :me, i.id"
            " FROM activities a JOIN instances i ON i.key = a.instance"
            f" WHERE {self._takes_activity}"
            " ORDER BY a.scheduled_at, a.instance, a.task_id LIMIT :room",
            self._values | {"me": self.key, "room": room},
        ).fetchall()
        items = [ActivityItem(*row) for row in rows]
        at = micros(now)
        sql.executemany(
            "UPDATE activities SET worker = ?, leased_at = ? WHERE instance = ? AND task_id = ?",
            [(self.key, at, item.instance, item.task_id) for item in items],
        )
        return items


class LiveWorker:
    """A worker that is registered in a hub.

    `is_live` while its process lives and is not stalled.
    """

    def __init__(self, key: int, lock_file: Path, seen_at: int, about: str, now: datetime) -> None:
        self.key, self.lock_file = key, lock_file
        self.about: dict[str, Any] = json.loads(about)
        self.is_for_all = not self.about.get("roots")
        """Whether it takes on every instance, or only those that its command waits for."""
        self.seen_at = seen_at
        self.is_locked = LiveLock.is_held(lock_file)
        self.is_live = self.is_locked and now < self.lease_end

    @property
    def lease_end(self) -> datetime:
        """When another worker takes over what it holds, unless it shows a sign of life."""
        return moment(self.seen_at) + timedelta(seconds=LEASE_SECONDS)


def workers(database: Database, now: datetime) -> list[LiveWorker]:
    """All workers that are registered, the dead ones included."""
    rows = database.query("SELECT key, lock_file, seen_at, about FROM workers ORDER BY key")
    return [
        LiveWorker(key, database.path.with_name(file), seen_at, about, now)
        for key, file, seen_at, about in rows
    ]


def _conditions(filter: WorkerFilter) -> tuple[str, str, dict[str, str]]:
    """The conditions for instances `i` that the worker `:me` holds or may lease, and for activities
    `a` of instances `i` that it may lease; the values that they have in common.
    """
    instance, activity, values = "i.worker IS NULL", "a.worker IS NULL", {}
    if filter.functions is not None:
        known = "lower(i.name) IN (SELECT value FROM json_each(:functions))"
        instance += f" AND {known}"
        # and what the app's orchestrators call though no app knows it: that has to fail, not wait
        activity += f" AND (lower(a.name) IN (SELECT value FROM json_each(:activities)) OR {known})"
        values["functions"] = json.dumps(filter.functions)
        values["activities"] = json.dumps(filter.activities)
    if filter.roots is not None:
        below = "coalesce(i.root, i.key) IN (SELECT value FROM json_each(:roots))"
        instance += f" AND ({below} OR i.id LIKE '@%')"
        activity += f" AND {below}"
        values["roots"] = json.dumps(filter.roots)
    return f"(i.worker = :me OR ({instance}))", activity, values


def _free(sql: Connection, worker: int) -> None:
    sql.execute("DELETE FROM workers WHERE key = ?", (worker,))
    sql.execute("UPDATE instances SET worker = NULL WHERE worker = ?", (worker,))
    sql.execute("UPDATE activities SET worker = NULL WHERE worker = ?", (worker,))


def _release_starts(sql: Connection, now: datetime) -> bool:
    """Let the instances begin whose time to start has come; whether there were any."""
    made = sql.execute(
        f"UPDATE inbox SET visible_at = {START_AT} WHERE visible_at > {NOW_AT} AND "
        "visible_at <= ? AND event IS NULL",
        (micros(now),),
    )
    return made.rowcount > 0


def _next_due(sql: Connection, after: int) -> datetime | None:
    """When the first timer after a moment (microseconds) becomes visible."""
    (due,) = sql.execute(
        "SELECT min(visible_at) FROM inbox WHERE visible_at > ?", (after,)
    ).fetchone()
    return None if due is None else moment(due)
