"""A hub's instances and entities for whoever reads them; no events, no worker, so that a status is there quickly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durablectl.engine.db import Database
from durablectl.engine.numbers import STATUS_NUMBERS, STATUSES, micros, moment
from durablectl.errors import InstanceNotFound
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus

_COLUMNS = "i.key, i.id, i.name, i.version, i.status, i.created_at, i.updated_at, i.custom_status, i.output, i.worker, i.root"


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance as it is stored. Payloads are JSON text; `input` is None unless it was asked for."""

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


class Queries:
    """The instances of one hub, to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, instance_id: str, *, with_input: bool = True) -> InstanceRow | None:
        row = self._database.one(f"SELECT {_columns(with_input)} FROM instances i {_INPUT} WHERE i.id = ?", (instance_id,))
        return None if row is None else _instance(row)

    def get(self, instance_id: str, *, with_input: bool = True) -> InstanceRow:
        """`InstanceNotFound` when there is none."""
        row = self.find(instance_id, with_input=with_input)
        if row is None:
            raise InstanceNotFound(f"no instance '{instance_id}' in the hub {self._database.path}", hint="durablectl list")
        return row

    def page(self, filter: InstanceFilter, *, with_input: bool, top: int, after: str | None) -> tuple[list[InstanceRow], str | None]:
        """At most `top` instances in order of creation, and the token of the next page."""
        conditions, parameters = _conditions(filter)
        if after is not None:
            created_at, key = _position(after)
            conditions.append("(i.created_at, i.key) > (?, ?)")
            parameters += [created_at, key]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._database.query(
            f"SELECT {_columns(with_input)} FROM instances i {_INPUT}{where} ORDER BY i.created_at, i.key LIMIT ?", [*parameters, top + 1]
        )
        found = [_instance(row) for row in rows[:top]]
        token = f"{rows[top - 1][5]}.{rows[top - 1][0]}" if len(rows) > top else None
        return found, token

    def entity_state(self, entity_id: EntityId) -> str | None:
        """The state as JSON text; None when there is no such entity."""
        row = self._database.one("SELECT e.state FROM entities e JOIN instances i ON i.key = e.instance WHERE i.id = ?", (str(entity_id),))
        return None if row is None else row[0]

    def entities(self, name: str | None, *, top: int, after: str | None) -> tuple[list[tuple[str, datetime, str]], str | None]:
        """At most `top` entities that exist, as (id, time of the last operation, state), in order of id, and the token of the next page."""
        prefix = f"@{name.lower()}@" if name else "@"
        rows = self._database.query(
            "SELECT i.id, e.operated_at, e.state FROM instances i JOIN entities e ON e.instance = i.key"
            " WHERE i.id > ? AND i.id >= ? AND i.id < ? AND e.state IS NOT NULL ORDER BY i.id LIMIT ?",
            (after or "", prefix, prefix + "\U0010ffff", top + 1),
        )
        found = [(entity_id, moment(operated_at), state) for entity_id, operated_at, state in rows[:top]]
        return found, found[-1][0] if len(rows) > top else None


_INPUT = "LEFT JOIN inputs n ON n.instance = i.key"


def _columns(with_input: bool) -> str:
    return f"{_COLUMNS}, {'n.input' if with_input else 'NULL'}"


def _instance(row: tuple[Any, ...]) -> InstanceRow:
    key, id_, name, version, status, created_at, updated_at, *rest = row
    return InstanceRow(key, id_, name, version, STATUSES[status], moment(created_at), moment(updated_at), *rest)


def _conditions(filter: InstanceFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    parameters: list[Any] = []
    if filter.statuses:
        numbers = sorted(STATUS_NUMBERS.get(status, -1) for status in filter.statuses)
        conditions.append(f"i.status IN ({', '.join(map(str, numbers))})")
        if 1 not in numbers:
            conditions.append("i.status <> 1")  # lets SQLite use the index of those that have not completed
    if filter.name is not None:
        conditions.append("i.name = ?")
        parameters.append(filter.name)
    if filter.prefix:
        conditions.append("i.id >= ? AND i.id < ?")
        parameters += [filter.prefix, filter.prefix + "\U0010ffff"]
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


def _position(token: str) -> tuple[int, int]:
    created_at, _, key = token.partition(".")
    return int(created_at), int(key)
