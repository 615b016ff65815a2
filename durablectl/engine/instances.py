"""Instances as rows: how one is created, in any transaction; no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple
from uuid import uuid4

from durablectl.engine.db import Connection
from durablectl.engine.numbers import STATUSES
from durablectl.errors import AlreadyExists

START_AT = -1
"""`inbox.visible_at` of a start: before every other message."""
NOW_AT = 0
"""`inbox.visible_at` of a message that is visible at once."""
FINAL = (1, 3, 4, 5)
"""The numbers of the final statuses."""


class NewInstance(NamedTuple):
    """An instance to create at `at` (microseconds)."""

    instance_id: str
    name: str
    input: str | None
    version: str
    at: int


def create_instance(
    sql: Connection, new: NewInstance, *, generation: int | None = 0, caller: tuple[int, str, int, int] | None = None
) -> int:
    """Create an instance with the message that starts it, and return its key; a finished one of the same id is replaced.

    `caller` is (key, execution, task, root) of the parent. `AlreadyExists` when an unfinished instance has the id.
    """
    row = sql.execute("SELECT key, status FROM instances WHERE id = ?", (new.instance_id,)).fetchone()
    if row is not None:
        if row[1] not in FINAL:
            # The text is the service's own (OrchestrationAlreadyExistsException).
            raise AlreadyExists(f"An Orchestration instance with the status {STATUSES[row[1]].value} already exists.")
        delete_instances(sql, [row[0]])
    parent, parent_execution, parent_task, root = caller or (None, None, None, None)
    values = (new.instance_id, new.name, new.version, str(uuid4()), generation, new.at, new.at, new.at)
    key = (
        sql.execute(
            "INSERT INTO instances (id, name, version, execution_id, generation, status, created_at, started_at, updated_at,"
            " parent, parent_execution, parent_task, root) VALUES (?, ?, ?, ?, ?, 6, ?, ?, ?, ?, ?, ?, ?)",
            (*values, parent, parent_execution, parent_task, root),
        ).lastrowid
        or 0
    )
    if new.input is not None:
        sql.execute("INSERT INTO inputs (instance, input) VALUES (?, ?)", (key, new.input))
    sql.execute(f"INSERT INTO inbox (instance, visible_at, at) VALUES (?, {START_AT}, ?)", (key, new.at))
    return key


def delete_instances(sql: Connection, keys: Iterable[int]) -> None:
    """Delete instances and everything of them; their children stay, as in the original."""
    doomed = (json.dumps(list(keys)),)
    for table in ("history", "inbox", "activities", "inputs", "entities"):
        sql.execute(f"DELETE FROM {table} WHERE instance IN (SELECT value FROM json_each(?))", doomed)
    sql.execute("DELETE FROM instances WHERE key IN (SELECT value FROM json_each(?))", doomed)
