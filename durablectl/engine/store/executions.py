"""Executions as rows: how an instance is loaded, its history written, and an event put into its
inbox; in any transaction, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from durablectl.engine.store.database import Connection
from durablectl.engine.store.instances import NOW_AT
from durablectl.engine.store.work_items import LoadedInstance
from durablectl.history.columns import STATUSES, micros, moment
from durablectl.history.events import Event, ExecutionStarted, ParentInstance
from durablectl.history.stored import encode_episode, encode_event

Episodes = Sequence[tuple[datetime, Sequence[Event]]]
"""Each with the time when it began, and without its bookends."""
COLUMNS = (
    "i.key, i.id, i.name, i.version, i.execution_id, i.generation, i.started_at, i.status, i.root,"
    " i.parent, i.parent_execution, i.parent_task, p.id, n.input"
)
JOINS = "LEFT JOIN instances p ON p.key = i.parent LEFT JOIN inputs n ON n.instance = i.key"


def loaded_instance(columns: Sequence[Any]) -> LoadedInstance:
    """An instance without its history, of its COLUMNS."""
    key, id_, name, version, execution_id, generation, started_at, status, root, *parents, input = (
        columns
    )
    parent, parent_execution, parent_task, parent_id = parents
    caller = (
        None if parent is None else ParentInstance(parent_id or "", parent_execution, parent_task)
    )
    started = ExecutionStarted(moment(started_at), name, input, version, generation, caller)
    # An instance that nothing has called is its own root.
    return LoadedInstance(
        key, id_, execution_id, started, STATUSES[status], key if root is None else root, parent
    )


def load_outline(sql: Connection, instance: int) -> LoadedInstance:
    """An instance without its history."""
    return loaded_instance(
        sql.execute(
            f"SELECT {COLUMNS} FROM instances i {JOINS} WHERE i.key = ?", (instance,)
        ).fetchone()
    )


def give_history(
    sql: Connection,
    key: int,
    started: ExecutionStarted,
    execution_id: str,
    status: int,
    episodes: Episodes,
) -> None:
    """Let an instance that was just created be where the episodes of an execution have left it."""
    # The message of its start would begin the execution again, without its history.
    sql.execute("DELETE FROM inbox WHERE instance = ?", (key,))
    sql.execute(
        "UPDATE instances SET status = ?, started_at = ?, execution_id = ? WHERE key = ?",
        (status, micros(started.timestamp), execution_id, key),
    )
    sql.executemany(
        "INSERT INTO history (instance, sequence, at, events) VALUES (?, ?, ?, ?)",
        [
            (key, sequence, micros(time), encode_episode(events, time))
            for sequence, (time, events) in enumerate(episodes)
        ],
    )


def put_event(sql: Connection, key: int, event: Event, execution_id: str | None = None) -> None:
    """Put an event into an instance's inbox; with an `execution_id` only that execution sees it."""
    sql.execute(
        "INSERT INTO inbox (instance, visible_at, at, event, execution_id) "
        f"VALUES (?, {NOW_AT}, ?, ?, ?)",
        (key, micros(event.timestamp), encode_event(event), execution_id),
    )
