"""What entities may see now: the operations of a batch, and what a lock makes of the others; in the
transaction of a fetch, no clock.

A lock request names all entities of a critical section, in the same order for everybody. It goes
from one to the next, and the last one tells the orchestration that it has them all. What others
send to a locked entity is put aside until the release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durablectl.engine.store.database import Connection
from durablectl.engine.store.executions import put_event
from durablectl.engine.store.instances import FINAL, NOW_AT, PUT_ASIDE_AT
from durablectl.engine.store.messages import send_request
from durablectl.engine.store.work_items import Caller, EntityBatch, EntityRequest, Operation
from durablectl.history.columns import moment
from durablectl.history.events import EventRaised
from durablectl.model import EntityId

GRANTED = json.dumps({"result": None})


@dataclass(frozen=True, slots=True)
class Message:
    """A message in an entity's inbox: its row, the request, and who has sent it."""

    key: int
    request: dict[str, Any]
    sender: int | None
    execution_id: str | None

    @property
    def is_lock(self) -> bool:
        return "lockset" in self.request

    @property
    def is_release(self) -> bool:
        return "op" not in self.request

    @property
    def caller(self) -> Caller | None:
        """Who waits for the result; None for a signal."""
        if self.sender is None or self.request.get("signal"):
            return None
        return Caller(self.sender, self.execution_id or "", self.request["id"])

    @property
    def owner(self) -> str | None:
        """The instance that asks for a lock, has one, or calls."""
        owner = self.request.get("parent")
        return owner if isinstance(owner, str) else None


@dataclass(slots=True)
class AdmittedMessages:
    """What is to be done with the messages of one entity.

    `operations` may run, `done` are rows to delete, `aside` those that wait for the release.
    `granted` are the requests that have got this entity's lock.
    """

    locked_by: str | None
    operations: list[Message] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    aside: list[int] = field(default_factory=list)
    granted: list[Message] = field(default_factory=list)
    is_released: bool = False


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
        admitted = _admit(sql, locked_by, [_message(key, text) for key, text in rows])
        if admitted.done or admitted.aside:
            has_changed = True
            _write_locks(sql, instance, admitted, at)
        if admitted.operations:
            batches.append(_batch(worker, instance, entity_id, state, admitted.operations))
    return batches, has_changed


def _message(key: int, text: str) -> Message:
    parts = json.loads(text)
    # An event, which earlier versions took for entities, begins with its number, a request with its
    # own text. One that cannot be read would hold up every worker of the hub.
    if not isinstance(parts[0], str):
        return Message(key, {}, None, None)
    request, sender, execution_id = parts
    return Message(key, json.loads(request), sender, execution_id)


def _batch(
    worker: int, instance: int, entity_id: str, state: str | None, messages: Sequence[Message]
) -> EntityBatch:
    keys = tuple(each.key for each in messages)
    callers = tuple(each.caller for each in messages)
    operations = tuple(
        Operation(each.request.get("op") or "", each.request.get("input"), caller is None)
        for each, caller in zip(messages, callers, strict=True)
    )
    return EntityBatch(worker, instance, entity_id, state, keys, operations, callers)


def _admit(sql: Connection, locked_by: str | None, messages: Sequence[Message]) -> AdmittedMessages:
    """Sort the messages of an entity, in their order; nothing is written."""
    admitted = AdmittedMessages(locked_by)
    for message in messages:
        is_owner = message.owner is not None and message.owner == admitted.locked_by
        if message.is_release:
            admitted.done.append(message.key)
            if is_owner:
                admitted.locked_by, admitted.is_released = None, True
                # What was put aside came before: the rest is looked at together with it.
                continue
        elif admitted.is_released or (admitted.locked_by is not None and not is_owner):
            admitted.aside.append(message.key)
        elif not message.is_lock:
            admitted.operations.append(message)
        else:
            admitted.done.append(message.key)
            if _is_unfinished(sql, message):
                admitted.locked_by = message.owner
                admitted.granted.append(message)
    return admitted


def _write_locks(sql: Connection, instance: int, admitted: AdmittedMessages, at: int) -> None:
    """Write what `_admit` has decided about locks: who has got one asks the next entity, or hears
    that it has them all.
    """
    sql.executemany("DELETE FROM inbox WHERE key = ?", [(key,) for key in admitted.done])
    sql.executemany(
        f"UPDATE inbox SET visible_at = {PUT_ASIDE_AT} WHERE key = ?",
        [(key,) for key in admitted.aside],
    )
    if admitted.granted or admitted.is_released:
        sql.execute(
            "UPDATE entities SET locked_by = ? WHERE instance = ?", (admitted.locked_by, instance)
        )
    if admitted.is_released:
        # After `aside`: what came behind the release in this fetch is looked at again as well.
        sql.execute(
            f"UPDATE inbox SET visible_at = {NOW_AT} WHERE instance = ? AND visible_at = "
            f"{PUT_ASIDE_AT}",
            (instance,),
        )
    for message in admitted.granted:
        request, sender = message.request, message.sender
        assert sender is not None  # who asks for a lock is an instance: see `_is_unfinished`
        position = request["pos"] + 1
        if position < len(request["lockset"]):
            entity = request["lockset"][position]
            target, forwarded = EntityId(entity["name"], entity["key"]), request | {"pos": position}
            send_request(
                sql,
                EntityRequest(str(target), json.dumps(forwarded), at, sender, message.execution_id),
            )
        else:
            granted = EventRaised(moment(at), request["id"], GRANTED)
            put_event(sql, sender, granted, message.execution_id)


def release_all(sql: Connection, owner: str) -> None:
    """Send a release to what an instance that has ended has locked: in its turn, so that what the
    instance has sent to its entities before still runs in its section.
    """
    release = json.dumps([json.dumps({"parent": owner}), None, None])
    sql.execute(
        "INSERT INTO inbox (instance, visible_at, at, event) SELECT instance, "
        f"{NOW_AT}, operated_at, ? FROM entities WHERE locked_by = ?",
        (release, owner),
    )


def release_orphaned(sql: Connection) -> int:
    """Release the locks of instances that have ended or are gone; how many."""
    owners = sql.execute(
        "SELECT e.locked_by FROM entities e LEFT JOIN instances i ON i.id = e.locked_by WHERE "
        f"e.locked_by IS NOT NULL AND (i.key IS NULL OR i.status IN {FINAL})"
    ).fetchall()
    for (owner,) in owners:
        release_all(sql, owner)
    return len(owners)


def _is_unfinished(sql: Connection, message: Message) -> bool:
    """Whether who asks for a lock still runs: else there would be no release."""
    row = sql.execute(
        f"SELECT 1 FROM instances WHERE key = ? AND execution_id = ? AND status NOT IN {FINAL}",
        (message.sender, message.execution_id),
    ).fetchone()
    return row is not None
