"""Writes the rows of a commit: one statement for each kind of row, in an order that matters."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from durablectl.engine.store.database import Connection
from durablectl.engine.store.instances import (
    FINAL,
    NOW_AT,
    START_AT,
    NewInstance,
    create_instance,
)
from durablectl.engine.store.locks import release_all
from durablectl.engine.store.messages import end_family, send_request
from durablectl.engine.store.work_items import Commit, Continuation
from durablectl.errors import AlreadyExists
from durablectl.history.columns import moment
from durablectl.history.events import SubOrchestrationFailed
from durablectl.history.stored import encode_event

BATCHES_OF_FAILURES = 10  # that an entity keeps

_STATEMENTS = {
    "consumed": "DELETE FROM inbox WHERE key = ?",
    "completed_activities": "DELETE FROM activities WHERE instance = ? AND task_id = ?",
    "history": "INSERT INTO history (instance, sequence, at, events) VALUES (?, ?, ?, ?)",
    "updated": "UPDATE instances SET updated_at = ? WHERE key = ?",
    "status_changes": "UPDATE instances SET status = ?, updated_at = ? WHERE key = ?",
    "custom_statuses": "UPDATE instances SET custom_status = ? WHERE key = ?",
    "ended": "UPDATE instances SET status = ?, updated_at = ?, output = ?, worker = NULL WHERE "
    "key = ?",
    "activities": "INSERT INTO activities (instance, task_id, execution_id, name, input, "
    "scheduled_at, worker)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "timers": "INSERT INTO inbox (instance, visible_at, at, event, execution_id, timer) VALUES "
    "(?, ?, ?, ?, ?, ?)",
    "cancelled": "DELETE FROM inbox WHERE instance = ? AND timer = ?",
    # An answer to a caller: only while the execution that called is the current one.
    "answers": "INSERT INTO inbox (instance, visible_at, at, event, execution_id) SELECT key, "
    f"{NOW_AT}, ?3, ?4, ?2 FROM instances"
    f" WHERE key = ?1 AND execution_id = ?2 AND status NOT IN {FINAL}",
    # An event from another orchestration; dropped where no unfinished one has the id.
    "events": f"INSERT INTO inbox (instance, visible_at, at, event) SELECT key, {NOW_AT}, ?2, ?3 "
    f"FROM instances WHERE id = ?1 AND status NOT IN {FINAL}",
    "entity_states": "UPDATE entities SET state = ?, operated_at = ? WHERE instance = ?",
    # What an entity keeps of its failed operations: the batches of them that came last.
    "entity_failures": "INSERT INTO history (instance, sequence, at, events)"
    " SELECT ?1, coalesce(max(sequence), -1) + 1, ?2, ?3 FROM history WHERE instance = ?1",
    # What a completed instance leaves behind in its inbox; the activities that it did not wait for
    # still run.
    "swept": "DELETE FROM inbox WHERE instance = ?",
    "released": "UPDATE instances SET worker = NULL WHERE key = ?",
}


_OLD_FAILURES = (
    "DELETE FROM history WHERE instance = ?1 AND sequence <= (SELECT max(sequence) FROM history "
    f"WHERE instance = ?1) - {BATCHES_OF_FAILURES}"
)
_LOCKING = (
    "SELECT id FROM instances i WHERE key = ? AND EXISTS (SELECT 1 FROM history h WHERE "
    "h.instance = i.key AND h.events LIKE '%lockset%')"
)
# The result of an activity whose instance another worker holds: only while the activity is still
# leased to this one.
_ORPHANED = "instance = ?1 AND execution_id = ?2 AND task_id = ?5 AND worker = ?6"
_ORPHANED_RESULTS = (
    "INSERT INTO inbox (instance, visible_at, at, event, execution_id) SELECT instance, "
    f"{NOW_AT}, ?3, ?4, ?2 FROM activities WHERE {_ORPHANED}"
)
_ORPHANED_DONE = f"DELETE FROM activities WHERE {_ORPHANED}"


def write_commit(sql: Connection, rows: Commit) -> None:
    """Write everything in one go.

    Orphaned results come first: they look at activities that `completed_activities` deletes.
    """
    if rows.orphaned_results:
        sql.executemany(_ORPHANED_RESULTS, rows.orphaned_results)
        sql.executemany(_ORPHANED_DONE, rows.orphaned_results)
    for name, statement in _STATEMENTS.items():
        if values := getattr(rows, name):
            sql.executemany(statement, values)
    if rows.entity_failures:
        sql.executemany(_OLD_FAILURES, [(instance,) for instance, *_ in rows.entity_failures])
    _clean_up(sql, rows.cleaned_up)
    for continuation in rows.continuations:
        _continue(sql, continuation)
    for child in rows.children:
        _create_child(sql, child)
    for key, termination in rows.terminated:
        end_family(sql, key, termination)
    for request in rows.requests:
        send_request(sql, request)
    for start in rows.starts:
        with suppress(AlreadyExists):  # an unfinished one has the id
            create_instance(sql, start)


def _clean_up(sql: Connection, instances: Iterable[tuple[int]]) -> None:
    """Drop what a finished instance leaves behind: timers, late messages, queued activities, and
    the locks of one that asked for any.
    """
    for key in instances:
        owner = sql.execute(_LOCKING, key).fetchone()
        if owner is not None:
            release_all(sql, owner[0])
    sql.executemany("DELETE FROM inbox WHERE instance = ?", instances)
    sql.executemany("DELETE FROM activities WHERE instance = ?", instances)


def _continue(sql: Connection, continuation: Continuation) -> None:
    instance, execution_id, began, input, carried, version = continuation
    key = (instance,)
    sql.execute("DELETE FROM history WHERE instance = ?", key)
    sql.execute("DELETE FROM activities WHERE instance = ?", key)
    sql.execute("DELETE FROM inbox WHERE instance = ? AND execution_id IS NOT NULL", key)
    sql.execute("DELETE FROM inputs WHERE instance = ?", key)
    if input is not None:
        sql.execute("INSERT INTO inputs (instance, input) VALUES (?, ?)", (instance, input))
    sql.execute(
        "UPDATE instances SET execution_id = ?1, generation = NULL, started_at = ?2, "
        "updated_at = ?2, status = 2, version = coalesce(?3, version) WHERE key = ?4",
        (execution_id, began, version, instance),
    )
    sql.execute(
        f"INSERT INTO inbox (instance, visible_at, at) VALUES (?, {START_AT}, ?)", (instance, began)
    )
    if not carried:
        return
    waiting = sql.execute(
        "SELECT at, event FROM inbox WHERE instance = ? AND visible_at = 0 ORDER BY key", key
    ).fetchall()
    if waiting:  # what was carried over came first
        sql.execute("DELETE FROM inbox WHERE instance = ? AND visible_at = 0", key)
    sql.executemany(
        f"INSERT INTO inbox (instance, visible_at, at, event) VALUES (?, {NOW_AT}, ?, ?)",
        [(instance, at, event) for at, event in [*carried, *waiting]],
    )


def _create_child(sql: Connection, child: NewInstance) -> None:
    """Create a sub-orchestration; if an unfinished instance has its id, the caller's task fails."""
    try:
        create_instance(sql, child)
    except AlreadyExists as error:
        assert child.caller is not None
        parent, execution_id, task_id, _ = child.caller
        event = SubOrchestrationFailed(moment(child.at), task_id, error.message)
        answer = parent, execution_id, child.at, encode_event(event)
        sql.execute(_STATEMENTS["answers"], answer)
