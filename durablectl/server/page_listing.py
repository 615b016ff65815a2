"""What the page's list of instances shows: a page of rows, counts by status, starts over time.

Knows no HTTP.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import floor
from typing import Any, Protocol, TypeVar, cast

from durablectl.causes import cause_of
from durablectl.engine.store.overview import MOST_NEWER, Overview, OverviewRow
from durablectl.json_values import json_text, value_from_text
from durablectl.model import InstanceFilter, InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub

MOST_PAGES, PAGE = 20, 200
REFRESH_SECONDS = 10.0
MOST_CHILDREN = 2000
LONGEST_DETAIL = 300
SPANS = 60
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
SPAN_SECONDS = (
    *(1, 2, 5, 10, 30),
    *(_MINUTE * each for each in (1, 2, 5, 10, 30)),
    *(_HOUR * each for each in (1, 2, 6, 12)),
    *(_DAY * each for each in (1, 2, 7, 30, 90, 365)),
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which part of a listing is asked for.

    `at` is the position of its first row. `folds`: sub-orchestrations are left out. Without
    `counts` a local hub reads nothing but the rows, which are there at once.
    """

    filter: InstanceFilter
    top: int = 50
    at: str | None = None
    folds: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class ListedRow:
    """An instance in the list. `children` is None where the hub cannot count them."""

    position: str
    instance_id: str
    name: str
    status: RuntimeStatus
    created_time: datetime
    last_updated_time: datetime
    detail: str
    children: int | None = None
    parent: str | None = None
    is_child: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """Starts in equal spans of `seconds`, from `begin` on."""

    begin: datetime
    seconds: int
    all: Sequence[int]
    failed: Sequence[int]


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a listing.

    `newer` counts what is in front of its first row; `next` and `previous` are the positions of
    the pages around it. `counts` is None where they were not asked for. `read` is how many
    instances a remote hub was read of, and `is_complete` whether that was all of them in the range.
    """

    rows: Sequence[ListedRow]
    counts: dict[str, int] | None
    newer: int
    next: str | None
    previous: str | None
    starts: Histogram | None
    read: int | None = None
    is_complete: bool = True


class Listing(Protocol):
    """A hub's instances, the newest first. Called in several threads."""

    def page(self, query: ListQuery) -> Listed:
        """ValueError when `query.at` is not a position."""

    def children(self, instance_id: str) -> Sequence[ListedRow]:  # noqa: ARG002 - for who knows
        """The sub-orchestrations of an instance, as far as the hub knows them."""
        return ()

    def parent(self, instance_id: str) -> str | None:  # noqa: ARG002
        """The instance that called this one, as far as the hub knows it."""
        return None


class LocalListing(Listing):
    """Reads a local hub's own indexes."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        self._counts, self._starts = _Kept(0.5), _Kept(1.0)

    def page(self, query: ListQuery) -> Listed:
        filter, folds = query.filter, query.folds
        rows = self._overview.newest(filter, top=query.top + 1, at=query.at, roots_only=folds)
        newer, previous = 0, None
        if query.at is not None:
            newer = self._overview.newer(filter, at=query.at, roots_only=folds)
            previous = self._overview.before(filter, at=query.at, top=query.top, roots_only=folds)
        return Listed(
            [_row_of_overview(row) for row in rows[: query.top]],
            self._counts.get(filter, lambda: self._overview.counts(filter))
            if query.counts
            else None,
            newer,
            rows[query.top].position if len(rows) > query.top else None,
            previous,
            self._starts.get(filter, lambda: self._histogram(filter)) if query.counts else None,
        )

    def children(self, instance_id: str) -> Sequence[ListedRow]:
        rows = self._overview.children(instance_id, top=MOST_CHILDREN)
        return [_row_of_overview(row) for row in rows]

    def parent(self, instance_id: str) -> str | None:
        return self._overview.parent(instance_id)

    def _histogram(self, filter: InstanceFilter) -> Histogram | None:
        first = filter.created_from or self._overview.first_creation()
        if first is None:
            return None
        begin, seconds, count = spans(first, filter.created_to or datetime.now(UTC))
        if filter.created_from is None and count < SPANS // 2:  # bars of a new hub stay narrow
            begin, count = begin - timedelta(seconds=(SPANS // 2 - count) * seconds), SPANS // 2
        starts = self._overview.starts(filter, begin=begin, seconds=seconds)
        return Histogram(
            begin,
            seconds,
            [starts.all.get(number, 0) for number in range(count)],
            [starts.failed.get(number, 0) for number in range(count)],
        )


class RemoteListing(Listing):
    """Reads a range of a remote hub, which can neither sort nor count: MOST_PAGES pages at most,
    every REFRESH_SECONDS at most.
    """

    def __init__(self, hub: TaskHub, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._ranges = _Kept(REFRESH_SECONDS, clock)

    def page(self, query: ListQuery) -> Listed:
        wanted = query.filter
        begin = wanted.created_from or datetime.now(UTC) - timedelta(hours=1)
        # asked for by whole minutes, or a range that ends now would be another one each time
        begin = begin.replace(second=0, microsecond=0)
        snapshot: _Snapshot = self._ranges.get(
            (begin, wanted.created_to), lambda: self._read(begin, wanted.created_to)
        )
        every = replace(wanted, statuses=frozenset(), created_from=None, created_to=None)
        matching = [row for row in snapshot.rows if every.matches(row)]
        counts = Counter(row.runtime_status.value for row in matching)
        shown = [
            row
            for row in matching
            if (not wanted.statuses or row.runtime_status in wanted.statuses)
            and not (query.folds and row.is_child)
        ]
        first = 0 if query.at is None else bisect_left(shown, _order_of(query.at), key=_order)
        part = shown[first : first + query.top]
        following = shown[first + query.top : first + query.top + 1]
        return Listed(
            [_row_of_status(row) for row in part],
            dict(counts),
            min(first, MOST_NEWER),
            _position(following[0]) if following else None,
            _position(shown[max(first - query.top, 0)]) if first else None,
            _histogram(shown, begin, wanted.created_to or datetime.now(UTC)),
            len(snapshot.rows),
            snapshot.is_complete,
        )

    def _read(self, begin: datetime, end: datetime | None) -> _Snapshot:
        found: dict[str, InstanceStatus] = {}
        token = None
        for _ in range(MOST_PAGES):
            page = self._hub.list_page(
                InstanceFilter(created_from=begin, created_to=end),
                top=PAGE,
                continuation_token=token,
            )
            found |= {status.instance_id: status for status in page}
            if (token := page.continuation_token) is None:
                break
        return _Snapshot(sorted(found.values(), key=_order), token is None)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    rows: list[InstanceStatus]
    is_complete: bool


class _Kept:
    """Values that are read again after `seconds`, or later where reading takes long: a tenth of
    the time at most goes into it.
    """

    MOST = 64

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._values: dict[Hashable, tuple[float, Any]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], Value]) -> Value:
        with self._lock:
            if len(self._locks) > self.MOST:
                self._values.clear()
                self._locks.clear()
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # one reads, the others get the same
            due, value = self._values.get(key, (0.0, None))
            begun = self._clock()
            if begun < due:
                return cast(Value, value)
            fresh = read()
            ended = self._clock()
            self._values[key] = (ended + max(self._seconds, 10 * (ended - begun)), fresh)
            return fresh


def spans(first: datetime, last: datetime) -> tuple[datetime, int, int]:
    """Where SPANS or fewer equal spans begin that reach from one time to another, their length in
    seconds, a round one, and their number.
    """
    whole = max((last - first).total_seconds(), 1.0)
    seconds = next((each for each in SPAN_SECONDS if whole / each < SPANS - 1), SPAN_SECONDS[-1])
    begin = floor(first.timestamp() / seconds) * seconds
    count = min(floor((last.timestamp() - begin) / seconds) + 1, 10 * SPANS)
    return datetime.fromtimestamp(begin, UTC), seconds, count


def _histogram(rows: Sequence[InstanceStatus], first: datetime, last: datetime) -> Histogram:
    begin, seconds, count = spans(first, last)
    every, failed = [0] * count, [0] * count
    for row in rows:
        number = int((row.created_time - begin).total_seconds() // seconds)
        if 0 <= number < count:
            every[number] += 1
            failed[number] += row.runtime_status is RuntimeStatus.FAILED
    return Histogram(begin, seconds, every, failed)


def _row_of_overview(row: OverviewRow) -> ListedRow:
    if row.status is RuntimeStatus.FAILED:
        detail = cause_of(value_from_text(row.reason)).line
    else:
        detail = _progress(value_from_text(row.custom_status))
    return ListedRow(
        row.position,
        row.instance_id,
        row.name,
        row.status,
        row.created_at,
        row.updated_at,
        _line(detail),
        row.children,
        row.parent,
        row.parent is not None,
    )


def _row_of_status(status: InstanceStatus) -> ListedRow:
    cause = status.cause
    detail = cause.line if cause is not None else _progress(status.custom_status)
    return ListedRow(
        _position(status),
        status.instance_id,
        status.name,
        status.runtime_status,
        status.created_time,
        status.last_updated_time,
        _line(detail),
        is_child=status.is_child,
    )


def _progress(custom_status: Any) -> str:
    """A custom status in short: the `message` and `percent` that show progress, where it has
    them.
    """
    if custom_status is None or isinstance(custom_status, str):
        return custom_status or ""
    if isinstance(custom_status, dict) and isinstance(custom_status.get("message"), str):
        message, percent = str(custom_status["message"]), custom_status.get("percent")
        is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
        return f"{message} ({percent:g} %)" if is_number else message
    return json_text(custom_status)


def _line(text: str) -> str:
    """The first line, cut to a length that a row can have."""
    first = next(islice(text[: 4 * LONGEST_DETAIL].splitlines(), 1), "")
    return first if len(first) <= LONGEST_DETAIL else first[:LONGEST_DETAIL] + "…"


def _order(status: InstanceStatus) -> tuple[float, str]:
    return -status.created_time.timestamp(), status.instance_id


def _position(status: InstanceStatus) -> str:
    return f"{status.created_time.timestamp()!r} {status.instance_id}"


def _order_of(position: str) -> tuple[float, str]:
    time, _, instance_id = position.partition(" ")
    return -float(time), instance_id
