"""Reads a hub's instances and entities; no events, no worker, so that a status is there quickly."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from durablectl.engine.store.database import Database, Row
from durablectl.engine.store.instances import COMPLETED, FINAL, NOW_AT
from durablectl.errors import InstanceNotFound
from durablectl.history.columns import STATUS_NUMBERS, STATUSES, micros, moment
from durablectl.model import EntityId, InstanceDetails, InstanceFilter, RuntimeStatus
from durablectl.quoting import command

_COLUMNS = (
    "i.key, i.created_at, i.id, i.name, i.version, i.status, i.updated_at, "
    "i.custom_status, i.output, i.worker, i.root"
)
_INPUT = "LEFT JOIN inputs n ON n.instance = i.key"
_ENDED = 1  # what history/stored.py writes an ExecutionCompleted as
# ids with one prefix: N are found by their ids and sorted, more are met soon enough in order
# of creation
_FEW = 5000
# Most instances of a hub are completed, and have no index: they are all without the others.
# Entities, whose ids begin with @, are in no count.
_COUNTS = f"""
SELECT status, sum(number) FROM (
  SELECT status, count(*) AS number FROM instances WHERE status <> {COMPLETED} GROUP BY status
  UNION ALL SELECT {COMPLETED}, (SELECT count(*) FROM instances)
    - (SELECT count(*) FROM instances WHERE status <> {COMPLETED})
  UNION ALL SELECT status, -count(*) FROM instances WHERE id >= '@' AND id < 'A' GROUP BY status
) GROUP BY status
"""


class InstanceRow(NamedTuple):
    """An instance as it is stored.

    Payloads are JSON text; `input` is None unless it was asked for.
    """

    key: int
    instance_id: str
    name: str
    version: str
    status: RuntimeStatus
    created_at: datetime
    updated_at: datetime
    custom_status: str | None
    output: str | None
    worker: int | None
    root: int | None
    input: str | None


class OutstandingWork(NamedTuple):
    """How many activities are not done, how many timers are set, how many starts of instances and
    operations of entities are scheduled for later; when the first of the latter two is due.
    """

    activities: int = 0
    timers: int = 0
    scheduled: int = 0
    next_due: datetime | None = None


class Queries:
    """The instances of one hub, to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def failure_details(self, row: InstanceRow) -> str | None:
        """What the code of a failed instance raised, as JSON text; None when it has not failed, or
        its text says it.
        """
        if row.status is not RuntimeStatus.FAILED:
            return None
        last = self._database.one(
            "SELECT events FROM history WHERE instance = ? ORDER BY sequence DESC LIMIT 1",
            (row.key,),
        )
        ending = json.loads(last[0])[-1:] if last is not None else []
        return next((each[3] for each in ending if each[0] == _ENDED and len(each) > 3), None)

    def details(self, instance_id: str) -> InstanceDetails:
        """What is known beyond the service's status object; nothing of an instance that is gone."""
        tags = "i.tags" if self._database.has_column("instances", "tags") else "NULL"
        row = self._database.one(_DETAILS.format(tags=tags), (instance_id,))
        if row is None:
            return InstanceDetails()
        version, tagged, execution_id, parent, status, updated_at, start_at = row
        return InstanceDetails(
            version or None,
            {} if tagged is None else json.loads(tagged),
            execution_id,
            parent,
            scheduled_start=None if start_at is None else moment(start_at),
            completed_time=moment(updated_at) if status in FINAL else None,
        )

    def hub_id(self) -> str | None:
        """The name that the file was made with; None for one of the first version until something
        is written to it.
        """
        if not self._database.query("SELECT 1 FROM sqlite_master WHERE name = 'hub'"):
            return None
        row = self._database.one("SELECT id FROM hub")
        return None if row is None else row[0]

    def find(self, instance_id: str, *, with_input: bool = True) -> InstanceRow | None:
        row = self._database.one(_FIND_WITH_INPUT if with_input else _FIND, (instance_id,))
        return None if row is None else _instance(row)

    def get(self, instance_id: str, *, with_input: bool = True) -> InstanceRow:
        """`InstanceNotFound` when there is none."""
        row = self.find(instance_id, with_input=with_input)
        if row is None:
            raise self._missing(instance_id)
        return row

    def _missing(self, instance_id: str) -> InstanceNotFound:
        return InstanceNotFound(
            f"no instance '{instance_id}' in the local hub {self._database.path}",
            hint=command("list", options=("--prefix", instance_id[:8])),
            instance_id=instance_id,
        )

    def page(
        self, filter: InstanceFilter, *, with_input: bool, top: int, after: str | None
    ) -> tuple[list[InstanceRow], str | None]:
        """At most `top` instances in order of creation, and the token of the next page."""
        rows, token = self._rows(_columns(with_input), filter, top, after)
        return [_instance(row) for row in rows], token

    def newest(self, filter: InstanceFilter, *, top: int) -> list[InstanceRow]:
        """The `top` instances that were created last, the last one first."""
        rows, _ = self._rows(_columns(False), filter, top, None, order="DESC")
        return [_instance(row) for row in rows]

    def _rows(
        self,
        columns: str,
        filter: InstanceFilter,
        top: int,
        after: str | None,
        *,
        order: str = "ASC",
    ) -> tuple[list[Row], str | None]:
        """Rows that begin with key and time of creation.

        Several states are read one after the other from their index, and merged.
        """
        parts, parameters, is_rare = [], list[Any](), self._is_rare(filter.prefix)
        for states in [filter.statuses] if is_rare else _states(filter.statuses):
            conditions, values = condition_sql(filter, states, is_rare=is_rare)
            if after is not None:
                conditions.append("(i.created_at, i.key) > (?, ?)")
                values += position_of(after)
            parts.append(f"SELECT {columns} FROM instances i {_INPUT}{where_sql(conditions)}")
            parameters += values
        rows = self._database.query(
            f"{' UNION ALL '.join(parts)} ORDER BY created_at {order}, key {order} LIMIT ?",
            [*parameters, top + 1],
        )
        return rows[:top], f"{rows[top - 1][1]}.{rows[top - 1][0]}" if len(rows) > top else None

    def counts(self, filter: InstanceFilter, *, by_name: bool) -> dict[str, int]:
        """How many there are in each state, or of each orchestrator; of all instances by their
        states it is read from the indexes alone.
        """
        if filter == InstanceFilter() and not by_name:
            rows = self._database.query(_COUNTS)
        else:
            what = (
                "CASE WHEN i.id LIKE '@%' THEN i.id ELSE i.name END COLLATE BINARY"
                if by_name
                else "i.status"
            )
            conditions, parameters = condition_sql(
                filter, filter.statuses, is_rare=self._is_rare(filter.prefix)
            )
            rows = self._database.query(
                f"SELECT {what}, count(*) FROM instances i{where_sql(conditions)} GROUP BY 1",
                parameters,
            )
        return {each if by_name else STATUSES[each].value: count for each, count in rows if count}

    def outstanding(self, now: datetime) -> OutstandingWork:
        """What the hub will do from now on without anybody's help."""
        (activities,) = self._database.query("SELECT count(*) FROM activities")[0]
        later, timers, due = self._database.query(
            "SELECT count(*), count(timer), min(visible_at) FROM inbox WHERE visible_at > ?",
            (micros(now),),
        )[0]
        next_due = None if due is None else moment(due)
        return OutstandingWork(activities, timers, later - timers, next_due)

    def _is_rare(self, prefix: str) -> bool:
        """Whether few ids begin so."""
        if not prefix:
            return False
        found = self._database.query(
            f"SELECT 1 FROM instances WHERE id >= ? AND id < ? LIMIT {_FEW}", _bounds(prefix)
        )
        return len(found) < _FEW

    def entity_state(self, entity_id: EntityId) -> str | None:
        """The state as JSON text; None when there is no such entity."""
        state: str | None = self._of_entity(entity_id, "state")
        return state

    def _of_entity(self, entity_id: EntityId, column: str) -> Any:
        row = self._database.one(
            f"SELECT e.{column} FROM instances i JOIN entities e ON e.instance = i.key "
            "WHERE i.id = ?",
            (str(entity_id),),
        )
        return None if row is None else row[0]

    def entities(
        self, name: str | None, *, top: int, after: str | None
    ) -> tuple[list[tuple[str, datetime, str]], str | None]:
        """At most `top` entities that exist, as (id, time of the last operation, state), in order
        of id, and the token of the next page.
        """
        prefix = f"@{name.lower()}@" if name else "@"
        rows = self._database.query(
            "SELECT i.id, e.operated_at, e.state FROM instances i JOIN entities e ON e.instance = "
            "i.key"
            " WHERE i.id > ? AND i.id >= ? AND i.id < ? AND e.state IS NOT NULL ORDER BY i.id "
            "LIMIT ?",
            (after or "", *_bounds(prefix), top + 1),
        )
        found = [
            (entity_id, moment(operated_at), state) for entity_id, operated_at, state in rows[:top]
        ]
        return found, found[-1][0] if len(rows) > top else None


def _columns(with_input: bool) -> str:
    return f"{_COLUMNS}, {'n.input' if with_input else 'NULL'}"


# The message that starts an instance later has no event, and the time as its own.
_DETAILS = (
    "SELECT i.version, {tags}, i.execution_id, p.id, i.status, i.updated_at, (SELECT m.visible_at "
    f"FROM inbox m WHERE m.instance = i.key AND m.event IS NULL AND m.visible_at > {NOW_AT}) "
    "FROM instances i LEFT JOIN instances p ON p.key = i.parent WHERE i.id = ?"
)
_FIND, _FIND_WITH_INPUT = (
    f"SELECT {_columns(with_input)} FROM instances i {_INPUT} WHERE i.id = ?"
    for with_input in (False, True)
)


def _instance(row: Row) -> InstanceRow:
    key, created_at, id_, name, version, status, updated_at, *rest = row
    return InstanceRow(
        key, id_, name, version, STATUSES[status], moment(created_at), moment(updated_at), *rest
    )


def _states(statuses: Collection[RuntimeStatus]) -> list[Collection[RuntimeStatus]]:
    """The states to read together: those that have an index one by one, each in its order."""
    return (
        [statuses]
        if RuntimeStatus.COMPLETED in statuses or not statuses
        else [{status} for status in statuses]
    )


def condition_sql(
    filter: InstanceFilter, states: Collection[RuntimeStatus], *, is_rare: bool
) -> tuple[list[str], list[Any]]:
    """What a row `i` must fulfil, put so that SQLite takes the index of the fewest: a unary plus
    keeps it from using that column's.
    """
    conditions, parameters = [], list[Any]()
    if states:
        numbers = sorted(STATUS_NUMBERS.get(status, -1) for status in states)
        conditions.append(f"{'+' if is_rare else ''}i.status IN ({', '.join(map(str, numbers))})")
        if COMPLETED not in numbers and not is_rare:
            # lets SQLite use the index of those that have not completed
            conditions.append(f"i.status <> {COMPLETED}")
    if filter.name is not None:
        conditions.append("i.name = ?")
        parameters.append(filter.name)
    if filter.prefix:
        conditions.append("i.id >= ? AND i.id < ?" if is_rare else "+i.id >= ? AND +i.id < ?")
        parameters += _bounds(filter.prefix)
    for column, bound, comparison in (
        ("created_at", filter.created_from, ">="),
        ("created_at", filter.created_to, "<="),
        ("updated_at", filter.updated_from, ">="),
        ("updated_at", filter.updated_to, "<="),
    ):
        if bound is not None:
            conditions.append(f"i.{column} {comparison} ?")
            parameters.append(micros(bound))
    if not filter.include_entities:
        conditions.append("i.id NOT LIKE '@%'")
    return conditions, parameters


def _bounds(prefix: str) -> tuple[str, str]:
    return prefix, prefix + "\U0010ffff"


def where_sql(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def position_of(token: str) -> tuple[int, int]:
    """Time of creation and key; ValueError when it is not a position."""
    created_at, _, key = token.partition(".")
    return int(created_at), int(key)
