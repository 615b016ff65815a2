"""Model values as a person reads them: details (labels and values) and tables of plain
text; writes nothing, asks no clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from durablectl.causes import cause_of, cause_of_event
from durablectl.json_values import decoded, line_text
from durablectl.model import (
    CheckStatusPayload,
    EntityStatus,
    HistoryEvent,
    InstanceDetails,
    InstanceStatus,
    RuntimeStatus,
)
from durablectl.render.hints import INDENT, hanging
from durablectl.render.progress import progress_parts

ONE_LINE = 100
MOST_LAYERS = 20
AS_IT_IS = frozenset({"input", "custom status", "output", "traceback"})  # copied as they are
_KEY = r"(?<=[?&])code=[^&#]*&?"
_ADDRESSES = {
    "statusQueryGetUri": "status      GET",
    "sendEventPostUri": "raise event POST",
    "terminatePostUri": "terminate   POST",
    "rewindPostUri": "rewind      POST",
    "purgeHistoryDeleteUri": "purge       DELETE",
    "restartPostUri": "restart     POST",
    "suspendPostUri": "suspend     POST",
    "resumePostUri": "resume      POST",
}
Rows = tuple[tuple[str, str], ...]


class Details(NamedTuple):
    """Labels and values of one thing; a value may have several lines.

    `state` is what a terminal may colour.
    """

    rows: Rows
    state: RuntimeStatus | None = None

    def text(self, columns: int = 0) -> str:
        """The labels and values as aligned lines; prose folded to that many columns, if any. What
        cannot be folded, a command or an address, has a line of its own where that is too narrow.
        """
        width = max((len(label) for label, _ in self.rows), default=0) + 2
        rows: list[str] = []
        for label, value in self.rows:
            lines, begin = value.split("\n"), f"{label:<{width}}"
            is_folded = columns > 0 and label not in AS_IT_IS
            if is_folded:
                lines = [part for line in lines for part in hanging(line, columns - width, "")]
            for line in lines:
                if is_folded and len(line) > columns - width:
                    rows += [begin.rstrip()] if begin.strip() else []
                    rows.append(INDENT + line)
                else:
                    rows.append(f"{begin}{line}".rstrip())
                begin = " " * width
        return "\n".join(rows)


class Table(NamedTuple):
    """Columns and rows; rows may come in as they are read. Of a listing a screen shows one line an
    instance, shortened where it is narrow.
    """

    columns: tuple[str, ...]
    rows: Iterable[Sequence[str]]
    is_listing: bool = False


def value_text(value: Any) -> str:
    """A JSON value for people: a string as it is, nothing for null, what is short on one line."""
    shown = decoded(value)
    if shown is None:
        return ""
    if isinstance(shown, str):
        return shown
    line = json.dumps(shown, ensure_ascii=False)
    return line if len(line) <= ONE_LINE else json.dumps(shown, ensure_ascii=False, indent=2)


def time_text(time: datetime | None) -> str:
    """A moment in the machine's zone, to the second."""
    return (
        "" if time is None else time.astimezone().isoformat(" ", "seconds").replace("+00:00", "Z")
    )


def tags_text(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def duration_text(seconds: float) -> str:
    """A duration for people, in its two largest units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`,
    `3 d 4 h`.
    """
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, unit, small, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def instance(
    status: InstanceStatus,
    *,
    show_input: bool = True,
    traceback: bool = False,
    more: InstanceDetails | None = None,
) -> Details:
    """All there is to see of an instance but its history; `more` and the traceback of its failure
    where they were asked for.
    """
    rows = [
        ("created", time_text(status.created_time)),
        ("updated", time_text(status.last_updated_time)),
        ("input", value_text(status.input) if show_input else ""),
        ("custom status", value_text(status.custom_status)),
    ]
    if more is not None:
        rows += [
            ("version", more.version or ""),
            ("tags", tags_text(more.tags)),
            ("parent", more.parent_instance_id or ""),
            ("starts", time_text(more.scheduled_start)),
            ("completed", time_text(more.completed_time)),
        ]
    return _details_of(status, rows, traceback=traceback)


def outcome(status: InstanceStatus, *, traceback: bool = False) -> Details:
    """How an instance ended: its state, then its output or the innermost cause."""
    return _details_of(status, (), traceback=traceback)


def _details_of(
    status: InstanceStatus, rows: Iterable[tuple[str, str]], *, traceback: bool
) -> Details:
    state = status.runtime_status
    head = (("id", status.instance_id), ("name", status.name), ("status", state.value))
    shown = (row for row in (*head, *rows, *_ending(status, traceback)) if row[1])
    return Details(tuple(shown), state)


def _ending(status: InstanceStatus, traceback: bool) -> Iterator[tuple[str, str]]:
    if (cause := status.cause) is not None:
        yield "cause", cause.text
        yield "at", cause.place
        yield "in", "\n".join(_few(cause.through))
        yield "traceback", cause.traceback if traceback else ""
        return
    is_reason = status.runtime_status in (RuntimeStatus.TERMINATED, RuntimeStatus.CANCELED)
    yield "reason" if is_reason else "output", value_text(status.output)


def _few(through: Sequence[str]) -> list[str]:
    """The functions that a failure came up through, the innermost and the outermost of many."""
    if len(through) <= MOST_LAYERS:
        return [*through]
    half = MOST_LAYERS // 2
    return [*through[:half], f"({len(through) - 2 * half} more)", *through[-half:]]


def ending_line(status: InstanceStatus) -> str:
    """The output of an instance, or why it has none and through which functions that came up."""
    return cause.line if (cause := status.cause) is not None else line_text(status.output)


def outcomes(statuses: Iterable[InstanceStatus]) -> Table:
    """How several instances ended."""
    rows = (
        (each.instance_id, each.name, each.runtime_status.value, ending_line(each))
        for each in statuses
    )
    return Table(("id", "name", "status", "output or cause"), rows)


def payload(
    payload: CheckStatusPayload,
    state: RuntimeStatus | None,
    commands: Sequence[str],
    *,
    show_secrets: bool = False,
) -> Details:
    """A check-status payload: the id, the state, what to do next, and the addresses, without the
    key unless `show_secrets`.
    """
    rows = (
        ("id", payload.id),
        ("status", state.value if state else ""),
        ("next", "\n".join(commands)),
        ("addresses", "\n".join(_addresses(payload.entries, show_secrets))),
    )
    return Details(tuple(row for row in rows if row[1]), state)


def _addresses(entries: Mapping[str, str], show_secrets: bool) -> Iterator[str]:
    width = max((len(_ADDRESSES.get(name, name)) for name in entries), default=0) + 2
    for name, address in entries.items():
        if name.lower() != "id":
            shown = address if show_secrets else without_key(address)
            yield f"{_ADDRESSES.get(name, name):<{width}}{shown}"


def without_key(address: str) -> str:
    """An address without its `code=…`."""
    return re.sub(_KEY, "", address).rstrip("?&")


def kind_of(status: InstanceStatus) -> str:
    """What the id tells: an entity, a child (a sub-orchestration with an id of the service's own),
    or an instance.
    """
    return "entity" if status.is_entity else "child" if status.is_child else "instance"


COLUMNS: dict[str, Callable[[InstanceStatus], str]] = {
    "id": lambda status: status.instance_id,
    "name": lambda status: status.name,
    "status": lambda status: status.runtime_status.value,
    "kind": kind_of,
    "created": lambda status: time_text(status.created_time),
    "updated": lambda status: time_text(status.last_updated_time),
    "input": lambda status: line_text(status.input),
    "custom": lambda status: line_text(status.custom_status),
    "output": ending_line,
}
DETAILS, WAITING_FOR = "details", "waiting for"
DEFAULT_COLUMNS = ("id", "name", "status", "created", "updated")


def instances(
    statuses: Iterable[InstanceStatus],
    columns: Sequence[str] = DEFAULT_COLUMNS,
    *,
    marked: bool = False,
) -> Table:
    """A listing with the columns of COLUMNS that were asked for; `marked` shows in the name's which
    are children.
    """
    cells = [_marked_name if marked and column == "name" else COLUMNS[column] for column in columns]
    return Table(tuple(columns), ([cell(status) for cell in cells] for status in statuses))


def recent(
    statuses: Sequence[InstanceStatus],
    now: datetime,
    *,
    waiting: Mapping[str, str] = MappingProxyType({}),
    is_of_stuck: bool = False,
) -> Table:
    """A listing for a screen: how long ago instead of when; and where any has them, details: why it
    failed, how far it is, or what it is `waiting` for; of stuck ones that alone.
    """
    rows = [
        (
            each.instance_id,
            _marked_name(each),
            each.runtime_status.value,
            ago_text((now - each.created_time).total_seconds()),
            ago_text((now - each.last_updated_time).total_seconds()),
            ("" if is_of_stuck else _details(each)) or waiting.get(each.instance_id, ""),
        )
        for each in statuses
    ]
    columns = (*DEFAULT_COLUMNS, WAITING_FOR if is_of_stuck else DETAILS)
    if any(row[-1] for row in rows):
        return Table(columns, rows, is_listing=True)
    return Table(columns[:-1], [row[:-1] for row in rows], is_listing=True)


def _details(status: InstanceStatus) -> str:
    if status.runtime_status is RuntimeStatus.COMPLETED:
        return ""
    if status.is_final:
        return ending_line(status)
    return " ".join(progress_parts(status))


def ago_text(seconds: float) -> str:
    """How long ago, for people, in its largest unit: `now`, `12 s ago`, `3 d ago`."""
    number, unit, *_ = duration_text(round(seconds)).split()
    return "now" if seconds < 2 else f"{number.removesuffix('.0')} {unit} ago"


def _marked_name(status: InstanceStatus) -> str:
    return f"{status.name} (child)" if status.is_child else status.name


def counts(counted: Mapping[str, int], by: str) -> Table:
    """How many there are of each state or name."""
    return Table((by, "count"), [(name, str(count)) for name, count in counted.items()])


def history(events: Iterable[HistoryEvent]) -> Table:
    """A history, one line an event."""
    return Table(("time", "event", "name", "detail"), (_event(event) for event in events))


def _event(event: HistoryEvent) -> tuple[str, str, str, str]:
    members = event.members
    name = members.get("FunctionName") or members.get("Name") or ""
    details = (
        members.get(member)
        for member in ("Result", "Reason", "OrchestrationStatus", "FireAt", "Input")
    )
    detail = line_text(next((each for each in details if each is not None), None))
    if event.event_type in ("TaskFailed", "SubOrchestrationInstanceFailed"):
        detail = cause_of_event(members).line
    elif (
        members.get("OrchestrationStatus") == RuntimeStatus.FAILED.value
        and members.get("Result") is not None
    ):
        detail = cause_of(members["Result"]).line
    return (time_text(event.timestamp), event.event_type, line_text(name), detail)


def entities(listed: Iterable[EntityStatus], *, states: bool = False) -> Table:
    """A listing of entities, with their states if those were fetched."""
    columns = ("entity", "last operation", "state")
    rows = (
        (str(each.entity_id), time_text(each.last_operation_time), line_text(each.state))
        for each in listed
    )
    return Table(columns, rows) if states else Table(columns[:2], (row[:2] for row in rows))
