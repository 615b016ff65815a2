"""Instances as rows: how one is created, in any transaction; no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from durablectl.engine.store.database import Connection
from durablectl.errors import AlreadyExists
from durablectl.history.columns import STATUSES
from durablectl.new_ids import random_uuid

START_AT = -1
"""`inbox.visible_at` of a start: before every other message."""
NOW_AT = 0
"""`inbox.visible_at` of a message that is visible at once."""
PUT_ASIDE_AT = -2
"""`inbox.visible_at` of a message to an entity that another instance has locked."""
FINAL = (1, 3, 4, 5)
"""The numbers of the final statuses."""


class NewInstance(NamedTuple):
    """An instance to create at `at` (microseconds), and to start at `start_at` if that is later.

    `tags` is a JSON object of texts.
    """

    instance_id: str
    name: str
    input: str | None
    version: str
    at: int
    start_at: int | None = None
    tags: str | None = None


def create_instance(
    sql: Connection,
    new: NewInstance,
    *,
    generation: int | None = 0,
    caller: tuple[int | None, str | None, int | None, int | None] = (None, None, None, None),
    replaces: bool = True,
) -> int:
    """Create an instance with the message that starts it, and return its key; a finished one of the
    same id is replaced.

    `caller` is (key, execution, task, root) of the parent. `AlreadyExists` when an unfinished one
    has the id, or any and not `replaces`.
    """
    values = (
        new.instance_id,
        new.name,
        new.version,
        random_uuid(),
        generation,
        new.at,
        new.at,
        new.at,
        new.tags,
        *caller,
    )
    # Nearly every id is new: to look first would cost each start a query.
    made = sql.execute(_CREATE, values)
    if made.rowcount == 0:
        _make_room(sql, new.instance_id, replaces=replaces)
        made = sql.execute(_CREATE, values)
    key = made.lastrowid or 0
    if new.input is not None:
        sql.execute("INSERT INTO inputs (instance, input) VALUES (?, ?)", (key, new.input))
    visible_at = START_AT if (new.start_at or 0) <= new.at else new.start_at
    sql.execute(
        "INSERT INTO inbox (instance, visible_at, at) VALUES (?, ?, ?)", (key, visible_at, new.at)
    )
    return key


_CREATE = (
    "INSERT INTO instances (id, name, version, execution_id, generation, status, created_at, "
    "started_at, updated_at, tags, parent, parent_execution, parent_task, root) "
    "VALUES (?, ?, ?, ?, ?, 6, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)


def _make_room(sql: Connection, instance_id: str, *, replaces: bool) -> None:
    key, status = sql.execute(
        "SELECT key, status FROM instances WHERE id = ?", (instance_id,)
    ).fetchone()
    if not replaces:
        raise AlreadyExists(f"an instance '{instance_id}' exists already")
    if status not in FINAL:
        # The text is the service's own (OrchestrationAlreadyExistsException).
        raise AlreadyExists(
            f"An Orchestration instance with the status {STATUSES[status].value} already exists."
        )
    delete_instances(sql, [key])


def delete_instances(sql: Connection, keys: Iterable[int]) -> None:
    """Delete instances and everything of them; their children stay, as in the original."""
    # One parameter for any number of keys: SQLite limits how many a statement may have.
    doomed = (json.dumps(list(keys)),)
    for table in ("history", "inbox", "activities", "inputs", "entities"):
        sql.execute(
            f"DELETE FROM {table} WHERE instance IN (SELECT value FROM json_each(?))", doomed
        )
    sql.execute("DELETE FROM instances WHERE key IN (SELECT value FROM json_each(?))", doomed)
