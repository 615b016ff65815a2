"""Messages between orchestrations and entities as inbox rows; in any transaction, no clock.

A request is the JSON that the original sends (`op`, `input`, `id`, `signal`), with the sender's key
and execution beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

from durablectl.engine.store.database import Connection
from durablectl.engine.store.executions import put_event
from durablectl.engine.store.instances import FINAL, NOW_AT, START_AT
from durablectl.engine.store.locks import Message, admit, next_request, read_messages, write_locks
from durablectl.engine.store.work_items import Caller, EntityBatch, EntityRequest, Operation
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


def read_batches(
    sql: Connection, messages: Mapping[int, Sequence[tuple[int, str]]], worker: int, at: int
) -> tuple[list[EntityBatch], bool]:
    """The batches that (inbox key, message) pairs of some entities make for a session, each with
    its entity's state; and whether a lock has changed, so that there is more to see.
    """
    batches: list[EntityBatch] = []
    has_changed = False
    for instance, rows in messages.items():
        entity_id, state, locked_by = sql.execute(
            "SELECT i.id, e.state, e.locked_by FROM instances i JOIN entities e ON e.instance = "
            "i.key WHERE i.key = ?",
            (instance,),
        ).fetchone()
        admitted = admit(sql, locked_by, read_messages(rows))
        if admitted.done or admitted.aside:
            has_changed = True
            for message in write_locks(sql, instance, admitted, at):
                target, request = next_request(message)
                sender = message.sender, message.execution_id
                send_request(sql, EntityRequest(target, request, at, *sender))
        if admitted.operations:
            batches.append(_batch(worker, instance, entity_id, state, admitted.operations))
    return batches, has_changed


def _batch(
    worker: int, instance: int, entity_id: str, state: str | None, messages: Sequence[Message]
) -> EntityBatch:
    operations: list[Operation] = []
    callers: list[Caller | None] = []
    for each in messages:
        request, sender = each.request, each.sender
        is_signal = bool(request.get("signal")) or sender is None
        operations.append(Operation(request.get("op") or "", request.get("input"), is_signal))
        callers.append(
            None
            if is_signal or sender is None
            else Caller(sender, each.execution_id or "", request["id"])
        )
    keys = tuple(each.key for each in messages)
    return EntityBatch(worker, instance, entity_id, state, keys, tuple(operations), tuple(callers))
