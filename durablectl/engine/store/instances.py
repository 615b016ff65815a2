"""Instances as rows: how one is created, and how many are deleted; in any transaction, no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from durablectl.engine.store.database import Connection
from durablectl.errors import AlreadyExists, WrongState
from durablectl.history.columns import STATUSES
from durablectl.new_ids import TAKEN_HINT, random_uuid
from durablectl.quoting import command

START_AT = -1
"""`inbox.visible_at` of a start: before every other message."""
NOW_AT = 0
"""`inbox.visible_at` of a message that is visible at once."""
PUT_ASIDE_AT = -2
"""`inbox.visible_at` of a message to an entity that another instance has locked."""
RUNNING, COMPLETED, FAILED = 0, 1, 3
FINAL = (COMPLETED, FAILED, 4, 5)
"""The numbers of the statuses that SQL asks for, and of all final ones."""


class CallingTask(NamedTuple):
    """The task of an execution that calls a sub-orchestration, and the key of the instance that is
    the root of both.
    """

    instance: int
    execution_id: str
    task_id: int
    root: int


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
    generation: int | None = 0
    caller: CallingTask | None = None


def create_instance(sql: Connection, new: NewInstance, *, replaces: bool = True) -> int:
    """Create an instance with the message that starts it, and return its key; a finished one of the
    same id is replaced.

    `AlreadyExists` when an unfinished one has the id, or any and not `replaces`.
    """
    values = (
        new.instance_id,
        new.name,
        new.version,
        random_uuid(),
        new.generation,
        new.at,
        new.at,
        new.at,
        new.tags,
        *(new.caller or _NO_CALLER),
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


_NO_CALLER = (None, None, None, None)
_CREATE = (
    "INSERT INTO instances (id, name, version, execution_id, generation, status, created_at, "
    "started_at, updated_at, tags, parent, parent_execution, parent_task, root) "
    "VALUES (?, ?, ?, ?, ?, 6, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)


def refuse_entity(instance_id: str) -> None:
    """`WrongState` for an entity: it has no executions, and takes no message but operations."""
    if instance_id.startswith("@"):
        raise WrongState(
            f"'{instance_id}' is an entity, which only runs operations",
            hint=command("entity", "signal", instance_id, "OPERATION"),
        )


def _make_room(sql: Connection, instance_id: str, *, replaces: bool) -> None:
    key, status = sql.execute(
        "SELECT key, status FROM instances WHERE id = ?", (instance_id,)
    ).fetchone()
    if not replaces:
        raise AlreadyExists(
            f"instance '{instance_id}' is already there ({STATUSES[status].value})", hint=TAKEN_HINT
        )
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


def purge_instances(
    sql: Connection, instance_ids: Sequence[str], *, recursive: bool
) -> list[int | WrongState]:
    """Delete finished instances, with `recursive` their sub-orchestrations too.

    Of each how many were deleted, 0 when it is not there (any more); the error when one of them has
    not finished: then none was.
    """
    families: dict[str, dict[int, tuple[str, int]]] = {}
    for head, key, id_, status in sql.execute(
        _FAMILIES if recursive else _ALONE, (json.dumps(instance_ids),)
    ):
        families.setdefault(head, {})[key] = (id_, status)
    doomed: set[int] = set()
    results: list[int | WrongState] = []
    for instance_id in instance_ids:
        # An id that is named twice, or lies below one named before, is deleted and counted once.
        family = {
            key: member
            for key, member in families.get(instance_id, {}).items()
            if key not in doomed
        }
        refusal = next(
            (_refusal(id_, status) for id_, status in family.values() if status not in FINAL), None
        )
        if refusal is None:
            doomed.update(family)
        results.append(refusal or len(family))
    delete_instances(sql, doomed)
    return results


_ALONE = "SELECT id, key, id, status FROM instances WHERE id IN (SELECT value FROM json_each(?))"
_FAMILIES = (
    "WITH RECURSIVE family (head, key) AS (SELECT id, key FROM instances WHERE id IN (SELECT "
    "value FROM json_each(?))"
    " UNION SELECT f.head, i.key FROM family f JOIN instances i ON i.parent = f.key)"
    " SELECT f.head, i.key, i.id, i.status FROM family f JOIN instances i ON i.key = f.key"
)


def _refusal(instance_id: str, status: int) -> WrongState:
    ending = ("entity", "delete") if instance_id.startswith("@") else ("terminate",)
    return WrongState(
        f"instance '{instance_id}' is {STATUSES[status].value}; only a finished one can be purged",
        hint=command(*ending, instance_id),
    )
