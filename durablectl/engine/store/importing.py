"""Instances of another hub as rows, all of them or none; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from durablectl.engine.store.database import Connection, Database
from durablectl.engine.store.executions import give_history
from durablectl.engine.store.instances import CallingTask, NewInstance, create_instance
from durablectl.engine.store.messages import create_entity
from durablectl.errors import AlreadyExists
from durablectl.history.columns import STATUS_NUMBERS, micros
from durablectl.history.importing import ImportedInstance


def import_instances(
    database: Database, instances: Sequence[ImportedInstance], entities: Mapping[str, str], at: int
) -> set[str]:
    """Create the instances, parents first, and the entities (id to state as JSON text) that are not
    there yet; the ids of the entities that are, whose states stay.

    `AlreadyExists` when one of the ids is taken; nothing is written then.
    """
    with database.transaction() as sql:
        keys: dict[str, tuple[int, str]] = {}
        for each in instances:
            keys[each.instance_id] = _create(sql, each, keys), each.execution_id
        return {id_ for id_, state in entities.items() if not _put_state(sql, id_, state, at)}


def _create(
    sql: Connection, instance: ImportedInstance, keys: Mapping[str, tuple[int, str]]
) -> int:
    started, caller = instance.started, None
    if instance.caller is not None:
        parent, task_id = instance.caller
        # Parents come first, so that the first of all is the root of the others.
        caller = CallingTask(*keys[parent], task_id, next(iter(keys.values()))[0])
    new = NewInstance(
        instance.instance_id,
        started.name,
        started.input,
        started.version,
        micros(instance.created_at),
        generation=started.generation,
        caller=caller,
    )
    try:
        key = create_instance(sql, new, replaces=False)
    except AlreadyExists as error:
        hint = "import it under another id: --instance-id ID"
        raise AlreadyExists(error.message, hint=hint) from error
    status = STATUS_NUMBERS[instance.status]
    give_history(sql, key, started, instance.execution_id, status, instance.episodes)
    sql.execute(
        "UPDATE instances SET updated_at = ?, custom_status = ?, output = ? WHERE key = ?",
        (micros(instance.updated_at), instance.custom_status, instance.output, key),
    )
    return key


def _put_state(sql: Connection, entity_id: str, state: str, at: int) -> bool:
    """Give an entity a state, unless it has one; whether it had none."""
    row = sql.execute(
        "SELECT i.key, e.state FROM instances i JOIN entities e ON e.instance = i.key "
        "WHERE i.id = ?",
        (entity_id,),
    ).fetchone()
    if row is not None and row[1] is not None:
        return False
    key = create_entity(sql, entity_id, at) if row is None else row[0]
    sql.execute("UPDATE entities SET state = ? WHERE instance = ?", (state, key))
    return True
