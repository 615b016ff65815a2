"""Deleting finished instances, many in one transaction; no clock."""

from __future__ import annotations

import json
from collections.abc import Sequence

from durablectl.engine.store.database import Connection
from durablectl.engine.store.instances import FINAL, delete_instances
from durablectl.errors import WrongState
from durablectl.history.columns import STATUSES
from durablectl.quoting import command

_ALONE = "SELECT id, key, id, status FROM instances WHERE id IN (SELECT value FROM json_each(?))"
_FAMILIES = (
    "WITH RECURSIVE family (head, key) AS (SELECT id, key FROM instances WHERE id IN (SELECT "
    "value FROM json_each(?))"
    " UNION SELECT f.head, i.key FROM family f JOIN instances i ON i.parent = f.key)"
    " SELECT f.head, i.key, i.id, i.status FROM family f JOIN instances i ON i.key = f.key"
)


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


def _refusal(instance_id: str, status: int) -> WrongState:
    return WrongState(
        f"instance '{instance_id}' is {STATUSES[status].value}; only a finished one can be purged",
        hint=command("terminate", instance_id),
    )
