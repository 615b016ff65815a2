"""A new instance with the history of another one up to a step, as rows; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Connection, Database
from durablectl.engine.store.executions import Episodes, write_history
from durablectl.engine.store.instances import NOW_AT, NewInstance, create_instance
from durablectl.errors import UsageError, WrongState
from durablectl.history.columns import STATUS_NUMBERS, micros
from durablectl.history.events import Event, ExecutionRewound, ExecutionStarted
from durablectl.history.exported import RawHistory
from durablectl.history.restart import RESTARTED, RestartPlan, plan_restart
from durablectl.history.stored import encode_event
from durablectl.model import RuntimeStatus
from durablectl.quoting import command

RUNNING = STATUS_NUMBERS[RuntimeStatus.RUNNING]


def planned_restart(database: Database, instance_id: str, step: int | str | None) -> RestartPlan:
    """What a restart would keep and repeat; changes nothing. Raises what `restart_from` raises."""
    return _planned(Store(database), instance_id, step)[0]


def restart_from(
    database: Database, instance_id: str, step: int | str | None, new_id: str, now: datetime
) -> RestartPlan:
    """Create `new_id` with the history of `instance_id` up to a step, in one transaction.

    `UsageError` for a step that is not there, `WrongState` where the history cannot be cut, or
    where a sub-orchestration that would be called again still runs under its id.
    """
    with database.transaction() as sql:
        # Read in here, too: the history may have changed since the plan was shown.
        plan, history = _planned(Store(database), instance_id, step)
        started = next(each for each in history.events if isinstance(each, ExecutionStarted))
        new = NewInstance(
            new_id,
            started.name,
            started.input,
            started.version,
            micros(now),
            generation=started.generation,
        )
        key = create_instance(sql, new, replaces=False)
        if plan.episodes:
            reason = f"{RESTARTED} {plan.step.number} of {instance_id}"
            waking = ExecutionRewound(now, reason)
            write_execution(sql, key, started, plan.episodes, [waking, *plan.late])
    return plan


def write_execution(
    sql: Connection,
    key: int,
    started: ExecutionStarted,
    episodes: Episodes,
    messages: Sequence[Event],
) -> str:
    """Give an instance that was just created a history and messages to see, in the place of its
    start; the id of its execution.
    """
    execution_id = str(uuid4())
    # The message of its start would begin the execution again, without its history.
    sql.execute("DELETE FROM inbox WHERE instance = ?", (key,))
    sql.execute(
        "UPDATE instances SET status = ?, started_at = ?, execution_id = ? WHERE key = ?",
        (RUNNING, micros(started.timestamp), execution_id, key),
    )
    write_history(sql, key, episodes)
    sql.executemany(
        "INSERT INTO inbox (instance, visible_at, at, event, execution_id) "
        f"VALUES (?, {NOW_AT}, ?, ?, ?)",
        [(key, micros(event.timestamp), encode_event(event), execution_id) for event in messages],
    )
    return execution_id


def _planned(
    store: Store, instance_id: str, step: int | str | None
) -> tuple[RestartPlan, RawHistory]:
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which has no steps")
    history = store.raw_history(instance_id)
    plan = plan_restart(history, step)
    for child in sorted(store.unfinished(plan.children)):
        raise WrongState(
            f"sub-orchestration '{child}', which would be called again, is still running",
            hint=command("terminate", child),
        )
    return plan, history
