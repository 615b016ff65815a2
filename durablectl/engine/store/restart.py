"""A new instance with the history of another one up to a step, as rows; no clock."""

from __future__ import annotations

from datetime import datetime

from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Database
from durablectl.engine.store.executions import give_history, put_event
from durablectl.engine.store.instances import RUNNING, NewInstance, create_instance
from durablectl.errors import UsageError, WrongState
from durablectl.history.columns import micros
from durablectl.history.events import ExecutionRewound, ExecutionStarted
from durablectl.history.exported import RawHistory
from durablectl.history.restart import RESTARTED, RestartPlan, plan_restart
from durablectl.new_ids import random_uuid
from durablectl.quoting import command


def planned_restart(database: Database, instance_id: str, step: int | str | None) -> RestartPlan:
    """What a restart would keep and repeat; changes nothing. Raises what `restart_from` raises."""
    return _planned(Store(database), instance_id, step)[0]


def restart_from(
    database: Database, instance_id: str, step: int | str | None, new_id: str, now: datetime
) -> None:
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
            execution_id = random_uuid()
            give_history(sql, key, started, execution_id, RUNNING, plan.episodes)
            reason = f"{RESTARTED} {plan.step.number} of {instance_id}"
            for event in (ExecutionRewound(now, reason), *plan.late):
                put_event(sql, key, event, execution_id)


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
