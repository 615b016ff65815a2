"""Rewinding failed instances and their failed children, as rows; in any transaction, no clock."""

from __future__ import annotations

from durablectl.engine.store.database import Connection
from durablectl.engine.store.executions import load_outline, put_event
from durablectl.engine.store.instances import FAILED, RUNNING
from durablectl.engine.store.work_items import LoadedInstance
from durablectl.errors import WrongState
from durablectl.history.columns import moment
from durablectl.history.events import ExecutionRewound, SubOrchestrationCreated
from durablectl.history.rewind import rewound
from durablectl.history.stored import Outline, decode_episode, encode_episode
from durablectl.quoting import command


def rewind_instance(sql: Connection, loaded: LoadedInstance, reason: str | None, at: int) -> None:
    """Set a failed instance going again, and before it the failed children that it waits for.

    The execution keeps its id: what its children and its entities know of it stays true. A child
    that was purged is created again. `WrongState` when one of them failed in a critical section.
    """
    rows = sql.execute(
        "SELECT sequence, at, events FROM history WHERE instance = ? ORDER BY sequence",
        (loaded.key,),
    ).fetchall()
    episodes = [decode_episode(events, began, Outline(loaded.started)) for _, began, events in rows]
    left = rewound(episodes)
    if left.in_section:
        raise WrongState(
            f"instance '{loaded.instance_id}' failed while it had locked entities; a rewind "
            "does not lock them again",
            hint=command("restart", loaded.instance_id, options=("--new-id",)),
        )
    # Children first: a call whose child does not continue must leave the history, to be made again.
    gone = {child for child in left.children if not _rewind_child(sql, child, reason, at)}
    for (sequence, began, _), episode in zip(rows, left.episodes, strict=True):
        kept = [
            event
            for event in episode
            if not (isinstance(event, SubOrchestrationCreated) and event.instance_id in gone)
        ]
        text = encode_episode(kept, moment(began))
        sql.execute(
            "UPDATE history SET events = ? WHERE instance = ? AND sequence = ?",
            (text, loaded.key, sequence),
        )
    sql.execute(
        "UPDATE instances SET status = ?, output = NULL, updated_at = ? WHERE key = ?",
        (RUNNING, at, loaded.key),
    )
    # Only what has a message is fetched by a worker.
    put_event(sql, loaded.key, ExecutionRewound(moment(at), reason))


def _rewind_child(sql: Connection, instance_id: str, reason: str | None, at: int) -> bool:
    """Whether the child is there and continues; one that has ended other than by failing is
    created again by its parent.
    """
    row = sql.execute("SELECT key, status FROM instances WHERE id = ?", (instance_id,)).fetchone()
    if row is None or row[1] != FAILED:
        return False
    rewind_instance(sql, load_outline(sql, row[0]), reason, at)
    return True
