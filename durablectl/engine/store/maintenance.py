"""Looking after a hub file: is it sound, who works on it, how large is it; a copy of a live one,
and one without gaps.

No worker.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from durablectl.engine.store.database import Database
from durablectl.engine.store.instances import COMPLETED, FINAL
from durablectl.engine.store.leases import workers
from durablectl.history.columns import micros

_NO_INSTANCE = "instance NOT IN (SELECT key FROM instances)"
_NO_WORKER = "worker IS NOT NULL AND worker NOT IN (SELECT key FROM workers)"
# What must not be found in a hub: what to say of it, and what it is counted from.
_CHECKS = {
    "rows of the history that belong to no instance": f"history WHERE {_NO_INSTANCE}",
    "messages for no instance": f"inbox WHERE {_NO_INSTANCE}",
    "activities that belong to no instance": f"activities WHERE {_NO_INSTANCE}",
    "inputs that belong to no instance": f"inputs WHERE {_NO_INSTANCE}",
    "states that belong to no entity": f"entities WHERE {_NO_INSTANCE}",
    "entities without a state row": "instances WHERE id LIKE '@%' AND key NOT IN (SELECT instance "
    "FROM entities)",
    # a completed one may leave an activity running that it did not wait for
    "failed or terminated instances with activities": "instances WHERE key IN (SELECT instance "
    f"FROM activities) AND status IN {FINAL} AND status <> {COMPLETED}",
    "instances with a status that is none": "instances WHERE status NOT IN (0, 1, 2, 3, 4, 5, 6, "
    "7)",
    "pending instances without a message that starts them": "instances i WHERE status IN (2, 6) "
    "AND NOT EXISTS (SELECT 1 FROM inbox m WHERE m.instance = i.key AND m.event IS NULL)",
    "instances of a worker that is not registered": f"instances WHERE {_NO_WORKER}",
    "activities of a worker that is not registered": f"activities WHERE {_NO_WORKER}",
}


@dataclass(frozen=True, slots=True)
class HubReport:
    """What a check of a hub has found.

    `size` and `unused` are bytes; `dead_workers` are not a fault: the next worker frees what they
    held.
    """

    version: int
    size: int
    unused: int
    instances: int
    unfinished: int
    live_workers: int
    dead_workers: int
    problems: tuple[str, ...]


def check_hub(database: Database, now: datetime) -> HubReport:
    """Read the whole file: SQLite's own check of its pages and indexes, then what the engine relies
    on.

    Changes nothing.
    """
    problems = [
        f"damaged file: {line}"
        for (line,) in database.query("PRAGMA integrity_check")
        if line != "ok"
    ]
    if not problems:  # queries on a damaged file tell nothing
        problems = [
            f"{what}: {count}"
            for what, rows in _CHECKS.items()
            if (count := _number(database, f"SELECT count(*) FROM {rows}"))
        ]
    found = workers(database, now)
    live = sum(worker.is_live for worker in found)
    return HubReport(
        version=_number(database, "PRAGMA user_version"),
        size=file_size(database.path),
        unused=_number(database, "PRAGMA freelist_count") * _number(database, "PRAGMA page_size"),
        instances=_number(database, "SELECT count(*) FROM instances WHERE id NOT LIKE '@%'"),
        unfinished=_number(
            database,
            # the first condition lets SQLite take the index of those that are not completed
            f"SELECT count(*) FROM instances WHERE status <> {COMPLETED} AND status "
            f"NOT IN {FINAL} AND id NOT LIKE '@%'",
        ),
        live_workers=live,
        dead_workers=len(found) - live,
        problems=tuple(problems),
    )


@dataclass(frozen=True, slots=True)
class WaitingFunctions:
    """Functions that something waits for and that no worker runs now: how many instances or calls,
    by the name as it was called.
    """

    orchestrators: Mapping[str, int]
    activities: Mapping[str, int]
    entities: Mapping[str, int]


def waiting_functions(
    database: Database, now: datetime, live: Collection[int] = ()
) -> WaitingFunctions:
    """What no worker of `live` (keys) has taken on: instances and entities with something to see,
    and activities that were scheduled. What a dead worker held waits for the next one.
    """
    free = f"coalesce(worker, -1) NOT IN ({','.join(str(int(key)) for key in live)})"
    ready = (
        "SELECT name, count(*) FROM instances WHERE key IN (SELECT instance FROM inbox WHERE "
        f"visible_at <= ?) AND {free} AND id {{}} LIKE '@%' GROUP BY name COLLATE NOCASE ORDER BY 1"
    )
    entities = database.query(ready.format(""), (micros(now),))
    activities = f"SELECT name, count(*) FROM activities WHERE {free} GROUP BY name ORDER BY 1"
    return WaitingFunctions(
        dict(database.query(ready.format("NOT"), (micros(now),))),
        dict(database.query(activities)),
        {name.removeprefix("@"): count for name, count in entities},
    )


def file_size(path: Path) -> int:
    """The bytes of a hub, what is not yet in the file itself included."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _number(database: Database, query: str) -> int:
    row = database.one(query)
    return int(row[0]) if row is not None else 0
