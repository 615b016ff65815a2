"""Messages between orchestrations and entities as inbox rows; in any transaction, no clock.

A request is the JSON that the original sends (`op`, `input`, `id`, `signal`), with the sender's key
and execution beside it.
"""

from __future__ import annotations

import json
from uuid import uuid4

from durablectl.engine.store.database import Connection
from durablectl.engine.store.executions import put_event
from durablectl.engine.store.instances import FINAL, NOW_AT, START_AT
from durablectl.engine.store.work_items import EntityRequest
from durablectl.history.events import ExecutionTerminated

_UNFINISHED_FAMILY = (
    "WITH RECURSIVE family (key) AS (SELECT ?"
    " UNION SELECT i.key FROM family f JOIN instances i ON i.parent = f.key)"
    f" SELECT i.key FROM family f JOIN instances i ON i.key = f.key WHERE i.status NOT IN {FINAL}"
)


def end_family(sql: Connection, key: int, event: ExecutionTerminated) -> bool:
    """Terminate what is unfinished of an instance and of all below it; whether anything was."""
    family = sql.execute(_UNFINISHED_FAMILY, (key,)).fetchall()
    for (each,) in family:
        put_event(sql, each, event)
    begin_now(sql, key)
    return bool(family)


def begin_now(sql: Connection, key: int) -> None:
    """Let an instance begin that waits for the time of its start, so that it ends without that."""
    sql.execute(
        f"UPDATE inbox SET visible_at = {START_AT} WHERE instance = ? AND event IS NULL", (key,)
    )


def send_request(sql: Connection, request: EntityRequest) -> None:
    """Put an operation into an entity's inbox; the entity's row is made when it is missing."""
    row = sql.execute("SELECT key FROM instances WHERE id = ?", (request.entity_id,)).fetchone()
    key = row[0] if row is not None else create_entity(sql, request.entity_id, request.at)
    # What waits for no time stays at 0, where the order is that of the keys: see schema.sql.
    message = json.dumps([request.request, request.sender, request.sender_execution])
    sql.execute(
        "INSERT INTO inbox (instance, visible_at, at, event) VALUES (?, ?, ?, ?)",
        (key, NOW_AT if (request.due or 0) <= request.at else request.due, request.at, message),
    )


def create_entity(sql: Connection, entity_id: str, at: int) -> int:
    """The row of an entity that was never called; its key."""
    # Its status is Running (0) as long as it exists: an entity has no end.
    name = entity_id[: entity_id.index("@", 1)]
    key = sql.execute(
        "INSERT INTO instances (id, name, version, execution_id, generation, status, created_at, "
        "started_at, updated_at)"
        " VALUES (?, ?, '', ?, 0, 0, ?, ?, ?)",
        (entity_id, name, str(uuid4()), at, at, at),
    ).lastrowid
    sql.execute("INSERT INTO entities (instance, operated_at) VALUES (?, ?)", (key, at))
    return key or 0
