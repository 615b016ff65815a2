"""Reads a hub's instances as a person looks at them: the newest first, children below their parent,
starts over time; decodes no payload.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from durablectl.engine.store.database import Database
from durablectl.engine.store.instances import FAILED
from durablectl.engine.store.queries import Queries, condition_sql, position_of, where_sql
from durablectl.history.columns import STATUSES, micros, moment
from durablectl.model import InstanceFilter, RuntimeStatus

MOST_NEWER = 1000
LONGEST_REASON, LONGEST_CUSTOM_STATUS = 20_000, 2_000  # characters
_COLUMNS = f"""
i.key, i.id, i.name, i.status, i.created_at, i.updated_at,
substr(i.custom_status, 1, {LONGEST_CUSTOM_STATUS}),
CASE i.status WHEN {FAILED} THEN substr(i.output, 1, {LONGEST_REASON}) END,
(SELECT count(*) FROM instances c WHERE c.parent = i.key),
(SELECT p.id FROM instances p WHERE p.key = i.parent)
"""
_IS_ROOT = "(i.parent IS NULL OR NOT EXISTS (SELECT 1 FROM instances p WHERE p.key = i.parent))"
_BY_CREATION = "(i.created_at, i.key)"


class OverviewRow(NamedTuple):
    """An instance in short.

    `custom_status` and `reason` (of a failure) are the beginnings of stored texts. `position` is
    its place in the order of creation.
    """

    position: str
    instance_id: str
    name: str
    status: RuntimeStatus
    created_at: datetime
    updated_at: datetime
    custom_status: str | None
    reason: str | None
    children: int
    parent: str | None


class Starts(NamedTuple):
    """How many instances were created in each of several equal spans: their numbers, from the first
    span on, by its number; all of them and those that have failed.
    """

    all: dict[int, int]
    failed: dict[int, int]


class Overview:
    """The instances of one hub, the newest first."""

    def __init__(self, database: Database) -> None:
        self._database, self._queries = database, Queries(database)

    def newest(
        self, filter: InstanceFilter, *, top: int, at: str | None = None, roots_only: bool = False
    ) -> list[OverviewRow]:
        """At most `top` instances, from the position `at` on."""
        conditions, values = self._conditions(filter, roots_only)
        if at is not None:
            conditions.append(f"{_BY_CREATION} <= (?, ?)")
            values += position_of(at)
        return self._rows(conditions, values, "i.created_at DESC, i.key DESC", top)

    def newer(self, filter: InstanceFilter, *, at: str, roots_only: bool = False) -> int:
        """How many are newer than the position `at`, at most MOST_NEWER."""
        return len(self._positions_after(filter, at, MOST_NEWER, roots_only))

    def before(
        self, filter: InstanceFilter, *, at: str, top: int, roots_only: bool = False
    ) -> str | None:
        """The position of the page before the one that begins at `at`; None when that is the
        first.
        """
        found = self._positions_after(filter, at, top, roots_only)
        return found[-1] if found else None

    def children(self, instance_id: str, *, top: int) -> list[OverviewRow]:
        """The sub-orchestrations of an instance, the oldest first."""
        conditions = ["i.parent = (SELECT p.key FROM instances p WHERE p.id = ?)"]
        return self._rows(conditions, [instance_id], "i.created_at, i.key", top)

    def parent(self, instance_id: str) -> str | None:
        """The id of the instance that called this one; None when there is none any more."""
        row = self._database.one(
            "SELECT p.id FROM instances i JOIN instances p ON p.key = i.parent WHERE i.id = ?",
            (instance_id,),
        )
        return None if row is None else row[0]

    def counts(self, filter: InstanceFilter) -> dict[str, int]:
        """How many there are in each status, whatever the filter says of it."""
        every = replace(filter, statuses=frozenset())
        return self._queries.counts(every, by_name=False)

    def first_creation(self) -> datetime | None:
        row = self._database.one("SELECT min(created_at) FROM instances")
        return None if row is None or row[0] is None else moment(row[0])

    def starts(self, filter: InstanceFilter, *, begin: datetime, seconds: int) -> Starts:
        """How many were created in each span of `seconds` from `begin` on."""
        failed = replace(filter, statuses=frozenset({RuntimeStatus.FAILED}))
        return Starts(
            self._spans(filter, begin, seconds),
            self._spans(failed, begin, seconds)
            if not filter.statuses or RuntimeStatus.FAILED in filter.statuses
            else {},
        )

    def _spans(self, filter: InstanceFilter, begin: datetime, seconds: int) -> dict[int, int]:
        conditions, values = self._conditions(replace(filter, include_entities=True), False)
        rows = self._database.query(
            f"SELECT (i.created_at - ?) / ?, count(*) FROM instances i{where_sql(conditions)} "
            "GROUP BY 1",
            [micros(begin), seconds * 1_000_000, *values],
        )
        return dict(rows)

    def _conditions(self, filter: InstanceFilter, roots_only: bool) -> tuple[list[str], list[Any]]:
        conditions, values = condition_sql(filter, filter.statuses, is_rare=False)
        return [*conditions, *([_IS_ROOT] if roots_only else [])], values

    def _positions_after(
        self, filter: InstanceFilter, at: str, top: int, roots_only: bool
    ) -> list[str]:
        conditions, values = self._conditions(filter, roots_only)
        conditions.append(f"{_BY_CREATION} > (?, ?)")
        rows = self._database.query(
            f"SELECT i.created_at, i.key FROM instances i{where_sql(conditions)} "
            "ORDER BY i.created_at, i.key LIMIT ?",
            [*values, *position_of(at), top],
        )
        return [f"{created_at}.{key}" for created_at, key in rows]

    def _rows(
        self, conditions: list[str], values: list[Any], order: str, top: int
    ) -> list[OverviewRow]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM instances i{where_sql(conditions)} ORDER BY {order} LIMIT ?",
            [*values, top],
        )
        return [
            OverviewRow(
                f"{created_at}.{key}",
                id_,
                name,
                STATUSES[status],
                moment(created_at),
                moment(updated_at),
                *rest,
            )
            for key, id_, name, status, created_at, updated_at, *rest in rows
        ]
