"""What the page reads beyond the service's HTTP API, as JSON: the hub, the list, an instance with
its payloads in bounds, its steps, its history events from one on.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from durablectl.backends.saving import whole_history
from durablectl.causes import Cause
from durablectl.errors import UsageError
from durablectl.history.difference import compare
from durablectl.json_values import json_text
from durablectl.model import InstanceFilter, InstanceStatus, RuntimeStatus
from durablectl.server.page_door import Permission
from durablectl.server.page_listing import Histogram, Listed, ListedRow, Listing, ListQuery
from durablectl.server.query import Query
from durablectl.taskhub import TaskHub
from durablectl.version import __version__
from durablectl.wire import exact_time_to_text

MOST_ROWS = 200
LARGEST_SHOWN = 256 * 1024  # characters of a payload that the page shows whole
PREVIEW = 16 * 1024
LONGEST_MEMBER = 400
PARTS = ("input", "custom_status", "output")
RANGES = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class HubCard:
    """What the page says of the hub.

    `encode` and `reason` are what the command line would take: `json` or `string`, and the default
    reason of a change.
    """

    label: str
    address: str
    is_local: bool
    permission: Permission = field(default_factory=Permission)
    reason: str = ""
    encode: str = "json"
    has_worker: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Explainers:
    """What makes sense of histories, as JSON objects: the steps of a status with its history; why
    the instance of an id is as it is, as `durablectl why -o json` has it.
    """

    steps: Callable[[InstanceStatus], Sequence[Mapping[str, Any]]]
    why: Callable[[str], Mapping[str, Any]]


class Reads:
    """Synchronous: each method is called in a thread."""

    def __init__(self, hub: TaskHub, card: HubCard, listing: Listing, explain: Explainers) -> None:
        self._hub, self._card, self._listing, self._explain = hub, card, listing, explain

    def hub(self, _query: Query) -> dict[str, Any]:
        card, names = self._card, self._hub.orchestrators()
        return {
            "label": card.label,
            "address": card.address,
            "isLocal": card.is_local,
            "readOnly": card.permission.read_only,
            "confirm": card.permission.confirm,
            "reason": card.reason,
            "encode": card.encode,
            "version": __version__,
            "orchestrators": None if names is None else list(names),
            "hasWorker": card.has_worker(),
        }

    def instances(self, query: Query) -> dict[str, Any]:
        """One page of the list, the newest first."""
        filter = self._filter(query)
        asked = ListQuery(
            filter,
            min(query.top(), MOST_ROWS),
            query.first("at"),
            query.flag("fold", False),
            query.flag("counts", True),
        )
        try:
            listed = self._listing.page(asked)
        except (ValueError, OverflowError) as error:
            raise UsageError("'at' is not a position in the list") from error
        return _listed_json(listed, filter)

    def children(self, query: Query) -> dict[str, Any]:
        return {"rows": [_row_json(row) for row in self._listing.children(_id(query))]}

    def instance(self, query: Query) -> dict[str, Any]:
        """An instance with payloads cut to what the page shows; without its history."""
        status = self._hub.get_status(_id(query))
        return {
            "name": status.name,
            "instanceId": status.instance_id,
            "runtimeStatus": status.runtime_status.value,
            "createdTime": exact_time_to_text(status.created_time),
            "lastUpdatedTime": exact_time_to_text(status.last_updated_time),
            "isFinal": status.is_final,
            "parent": self._listing.parent(status.instance_id),
            "cause": _cause_json(status.cause),
            "payloads": {part: _payload_json(getattr(status, part)) for part in PARTS},
        }

    def steps(self, query: Query) -> dict[str, Any]:
        """What happened, step by step; see `durablectl history`."""
        status = self._with_history(query)
        return {"isFinal": status.is_final, "steps": list(self._explain.steps(status))}

    def why(self, query: Query) -> dict[str, Any]:
        return dict(self._explain.why(_id(query)))

    def compare(self, query: Query) -> dict[str, Any]:
        """How two instances differ, as `durablectl diff -o json` has it; long values are cut."""
        a, b = query.first("a"), query.first("b")
        if a is None or b is None:
            raise UsageError("the request does not name two instances")
        found = compare(whole_history(self._hub, a), whole_history(self._hub, b)).to_json()
        for step in found["steps"]:
            step["differences"] = [_event_json(each) for each in step["differences"]]
        return found

    def history(self, query: Query) -> dict[str, Any]:
        """The history events from number `since` on, with long members cut."""
        events = self._with_history(query).history or ()
        asked = query.first("since") or "0"
        since = int(asked) if asked.isdecimal() else 0
        return {
            "total": len(events),
            "since": since,
            "events": [_event_json(each.members) for each in events[since:]],
        }

    def payload(self, query: Query) -> tuple[str, Any]:
        """A whole payload of an instance, and a name for the file."""
        part = query.first("part") or ""
        if part not in PARTS:
            raise UsageError(f"unknown part '{part}'; valid: {', '.join(PARTS)}")
        return part, getattr(self._hub.get_status(_id(query)), part)

    def _with_history(self, query: Query) -> InstanceStatus:
        return self._hub.get_status(
            _id(query), show_input=False, show_history=True, show_history_output=True
        )

    def _filter(self, query: Query) -> InstanceFilter:
        begin, end = query.moment("from"), query.moment("to")
        if (range := RANGES.get(query.first("range") or "")) is not None:
            begin, end = datetime.now(UTC) - range, None
        elif begin is None and not self._card.is_local:
            begin = datetime.now(UTC) - RANGES["1h"]
        return InstanceFilter(
            statuses=query.statuses(),
            name=query.first("name"),
            prefix=query.first("prefix") or "",
            created_from=begin,
            created_to=end,
        )


def _id(query: Query) -> str:
    instance_id = query.first("id")
    if instance_id is None:
        raise UsageError("the request names no instance")
    return instance_id


def _listed_json(listed: Listed, filter: InstanceFilter) -> dict[str, Any]:
    return {
        "rows": [_row_json(row) for row in listed.rows],
        "counts": listed.counts,
        "newer": listed.newer,
        "next": listed.next,
        "previous": listed.previous,
        "read": listed.read,
        "isComplete": listed.is_complete,
        "ranged": filter.created_from is not None,
        "starts": None if listed.starts is None else _starts_json(listed.starts),
    }


def _starts_json(starts: Histogram) -> dict[str, Any]:
    return {
        "begin": exact_time_to_text(starts.begin),
        "seconds": starts.seconds,
        "all": list(starts.all),
        "failed": list(starts.failed),
    }


def _row_json(row: ListedRow) -> dict[str, Any]:
    return {
        "at": row.position,
        "id": row.instance_id,
        "name": row.name,
        "status": row.status.value,
        "created": exact_time_to_text(row.created_time),
        "updated": exact_time_to_text(row.last_updated_time),
        "isFinal": row.status.is_final,
        "failed": row.status is RuntimeStatus.FAILED,
        "detail": row.detail,
        "children": row.children,
        "parent": row.parent,
        "isChild": row.is_child,
    }


def _cause_json(cause: Cause | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    return {
        "text": cause.text[:PREVIEW],
        "through": list(cause.through),
        "place": cause.place,
        "traceback": cause.traceback[: 4 * PREVIEW],
    }


def _payload_json(value: Any) -> dict[str, Any] | None:
    """The payload as a person reads it: text as it is, anything else as indented JSON."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json_text(value, indent=2)
    is_cut = len(text) > LARGEST_SHOWN
    return {
        "text": text[:PREVIEW] if is_cut else text,
        "isText": isinstance(value, str),
        "size": len(text),
        "isCut": is_cut,
    }


def _event_json(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _cut(value) for name, value in members.items()}


def _cut(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json_text(value)
    return text if len(text) <= LONGEST_MEMBER else text[:LONGEST_MEMBER] + "…"
