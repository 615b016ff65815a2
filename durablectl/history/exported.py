"""A saved history: the complete events of one execution as a JSON document that later versions can
read and replay; no I/O.

An event is an object: `type`, the name of its class in `events.py`, and that class's fields, times
as ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, get_args, get_type_hints

from durablectl.errors import UsageError
from durablectl.history.events import Event, ParentInstance
from durablectl.model import InstanceStatus, RuntimeStatus, utc

FORMAT = "durablectl-history"
VERSION = 2
"""The second version has the `details` of a failed ExecutionCompleted; a later one reads every
earlier one."""

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Event)}
_HINTS: dict[type, dict[str, Any]] = {kind: get_type_hints(kind) for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Extras:
    """What a saved history says besides its events, for an import: when the instance was created
    (None where that is not known, and neither is the rest), its custom status and the states of the
    entities that it calls, by their ids, as JSON text.
    """

    created_time: datetime | None = None
    custom_status: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class RawHistory:
    """One execution: whose it is, which orchestrator's, and its complete events in order.

    One that `is_foreign` was not written by this engine: its failures have another host's words.
    """

    instance_id: str
    execution_id: str
    name: str
    events: tuple[Event, ...]
    is_foreign: bool = False
    extras: Extras = field(default=Extras(), compare=False)

    def document(self, status: InstanceStatus) -> dict[str, Any]:
        """Its raw form, and what the instance's status says besides."""
        return raw_to_json(replace(self, extras=extras_of(status)))


def extras_of(status: InstanceStatus, entities: Mapping[str, str] | None = None) -> Extras:
    """What a status says besides the history."""
    shown = None if status.custom_status is None else json.dumps(status.custom_status)
    return Extras(status.created_time, shown, entities or {})


def raw_to_json(history: RawHistory) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "instanceId": history.instance_id,
        "executionId": history.execution_id,
        "name": history.name,
        **_extras_to_json(history.extras),
        "events": [_event_to_json(event) for event in history.events],
    }


def _extras_to_json(extras: Extras) -> dict[str, Any]:
    if extras.created_time is None:
        return {}
    status = None if extras.custom_status is None else json.loads(extras.custom_status)
    return {"createdTime": extras.created_time.isoformat(), "customStatus": status}


def extras_from_json(document: Mapping[str, Any]) -> Extras:
    """The members of a saved document that are not its history; `UsageError` for damaged ones."""
    created, status = document.get("createdTime"), document.get("customStatus")
    entities = document.get("entities", {})
    try:
        return Extras(
            None if created is None else utc(datetime.fromisoformat(created)),
            None if status is None else json.dumps(status),
            {entity_id: json.dumps(state) for entity_id, state in entities.items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(error) from error


def raw_from_json(document: Mapping[str, Any]) -> RawHistory:
    """Read what `raw_to_json` wrote; `UsageError` when it is damaged, or of a newer format."""
    if (version := document.get("version")) not in range(1, VERSION + 1):
        raise UsageError(
            f"the saved history has format {version}, and this durablectl reads formats 1 to "
            f"{VERSION}",
            hint="pip install -U durablectl",
        )
    try:
        return RawHistory(
            document["instanceId"],
            document["executionId"],
            document["name"],
            tuple(_event_from_json(*event) for event in enumerate(document["events"])),
            extras=extras_from_json(document),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(repr(error)) from error


def _event_to_json(event: Event) -> dict[str, Any]:
    values = {each.name: getattr(event, each.name) for each in fields(event)}
    # A flag that is not set is left out: what has none can be read by who does not know it.
    members = {name: _value_to_json(value) for name, value in values.items() if value is not False}
    return {"type": type(event).__name__} | members


def _value_to_json(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case RuntimeStatus():
            return value.value
        case ParentInstance():
            return {each.name: getattr(value, each.name) for each in fields(value)}
    return value


def _event_from_json(number: int, document: Mapping[str, Any]) -> Event:
    members = dict(document)
    kind = _KINDS.get(name := members.pop("type", ""))
    if kind is None:
        raise _damaged(f"its event {number} has the unknown type '{name}'")
    for name, read in _READERS.items():
        if members.get(name) is not None:
            try:
                members[name] = read(members[name])
            except (ValueError, TypeError) as error:
                what = f"{name} of its event {number} cannot be read: {error}"
                raise _damaged(what) from error
    event: Event = kind(**members)
    for name, hint in _HINTS[kind].items():
        value = getattr(event, name)
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            raise _damaged(f"{name} of its event {number} cannot be {str(value)[:40]!r}")
    return event


def _damaged(what: object) -> UsageError:
    return UsageError(f"the saved history is damaged: {what}")


def _moment(text: str) -> datetime:
    return utc(datetime.fromisoformat(text))


_READERS: dict[str, Any] = {
    "timestamp": _moment,
    "fire_at": _moment,
    "status": RuntimeStatus,
    "parent": lambda members: ParentInstance(**members),
}
