"""Histories as people save them, in any of their forms: our own raw form, a status object with
`historyEvents`, a DTFx array, and JSON lines or arrays of these; bounded by size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from durablectl import wire
from durablectl.errors import UsageError, reason_of
from durablectl.history.dtfx import dtfx_from_json, is_dtfx
from durablectl.history.events import EventSent
from durablectl.history.exported import (
    FORMAT,
    Extras,
    RawHistory,
    extras_from_json,
    extras_of,
    raw_from_json,
)
from durablectl.json_values import fault_text
from durablectl.model import HistoryEvent, InstanceStatus

MOST_BYTES = 200_000_000
"""Of one document, as of one answer of a hub."""
HINT = (
    "`durablectl history ID --raw` writes one, and so does `durablectl status ID --history-output "
    "-o json`"
)


@dataclass(frozen=True, slots=True)
class ServiceHistory:
    """What the HTTP API shows of one execution: no task ids, no episodes."""

    instance_id: str
    name: str
    events: tuple[HistoryEvent, ...] = field(hash=False)
    extras: Extras = field(default=Extras(), compare=False)

    @classmethod
    def of(
        cls, status: InstanceStatus, entities: Mapping[str, str] | None = None
    ) -> ServiceHistory:
        """The history of a status that was asked for with it."""
        name, extras = status.name or _name(status.history), extras_of(status, entities)
        return cls(status.instance_id, name, status.history or (), extras)


History = RawHistory | ServiceHistory
AnyHistory = str | bytes | Path | Mapping[str, Any] | Sequence[Any] | InstanceStatus | History
"""What a history is read from: itself, a status with it, its JSON, the text of that, or a file."""


def entities_of(history: History) -> list[str]:
    """The ids of the entities that an execution has called or signalled, each once."""
    if isinstance(history, RawHistory):
        sent: list[Any] = [
            each.instance_id for each in history.events if isinstance(each, EventSent)
        ]
    else:
        sent = [
            event.members.get("InstanceId")
            for event in history.events
            if event.event_type == "EventSent"
        ]
    return list(
        dict.fromkeys(each for each in sent if isinstance(each, str) and each.startswith("@"))
    )


def is_of_one_moment(status: InstanceStatus) -> bool:
    """Whether status and history, which the service keeps apart, tell of the same moment."""
    if not status.history:
        return True
    has_ended = any(event.event_type == "ExecutionCompleted" for event in status.history)
    return has_ended == status.is_final


def history_of(source: AnyHistory) -> History:
    """The history that `source` is or holds; `UsageError` when it is not one."""
    found = histories_of(source)
    if len(found) != 1:
        holder = source if isinstance(source, Path) else "this"
        raise UsageError(f"one history is expected, and {holder} has {len(found)}", hint=HINT)
    return found[0]


def histories_of(source: AnyHistory) -> list[History]:
    """The histories that `source` is or holds; `UsageError` as above.

    A text that does not begin as a JSON object or array does is the path of a file.
    """
    match source:
        case RawHistory() | ServiceHistory():
            return [source]
        case InstanceStatus():
            if source.history is None:
                raise UsageError(
                    f"the status of instance '{source.instance_id}' has no history",
                    hint="hub.get_status(id, show_history=True, show_history_output=True)",
                )
            return [ServiceHistory.of(source)]
        case Path():
            return list(read_histories(source))
        case str() if not source.lstrip().startswith(("{", "[")):
            return list(read_histories(Path(source)))
        case str() | bytes():
            source = _decoded(source, "the saved history")
    return list(histories_in(source))


def histories_in(document: Any, instance_id: str = "") -> Iterator[History]:
    """The histories of a JSON document, which may be an array of them.

    A bare array of `historyEvents` names no instance: `instance_id` does.
    """
    match document:
        case {"format": str(found)} if found == FORMAT:
            yield raw_from_json(document)
        case dict() if wire.is_status(document):
            yield _of_status(document)
        case [dict(), *_] if is_dtfx(document):
            yield dtfx_from_json(document)
        case [{"EventType": _}, *_]:
            events = tuple(map(wire.history_event_from_json, document))
            yield ServiceHistory(instance_id, _name(events), events)
        case [dict(), *_]:
            for each in document:
                yield from histories_in(each)
        case _:
            raise UsageError("this is not a saved history of durablectl", hint=HINT)


def read_histories(path: Path, *, limit: int = MOST_BYTES) -> Iterator[History]:
    """The histories of a file, one document at a time where it has JSON lines.

    `UsageError`, naming the file and the line, for what cannot be read, is not a history, or is a
    document of more than `limit` bytes.
    """
    for where, text in _documents(path, limit):
        try:
            yield from histories_in(_decoded(text, where), path.stem)
        except UsageError as error:
            message = error.message if where in error.message else f"{where}: {error.message}"
            raise UsageError(message, hint=error.hint) from error


def _documents(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    """The documents of a file, each with its name for messages."""
    try:
        with path.open("rb") as file:
            if path.suffix.lower() != ".jsonl":
                text = file.read(limit + 1)
                if len(text) > limit:
                    raise _too_large(str(path), path.stat().st_size, limit)
                yield str(path), text
                return
            for number in count(1):
                line = file.readline(limit + 1)
                if len(line) > limit:
                    raise _too_large(f"{path}:{number}", len(line), limit)
                if line.strip():
                    yield f"{path}:{number}", line
                elif not line:
                    return
    except OSError as error:
        raise UsageError(f"cannot read {path}: {reason_of(error)}") from error


def _of_status(document: Mapping[str, Any]) -> History:
    try:
        status = wire.status_from_json(document)
    except ValueError as error:
        raise UsageError(f"the status object is damaged: {error}", hint=HINT) from error
    if status.history is None:
        raise UsageError(f"the status of instance '{status.instance_id}' has no history", hint=HINT)
    return ServiceHistory.of(
        status, extras_from_json({"entities": document.get("entities", {})}).entities
    )


def _name(events: tuple[HistoryEvent, ...] | None) -> str:
    for event in events or ():
        if event.event_type == "ExecutionStarted":
            name = event.members.get("FunctionName") or event.members.get("Name")
            return name if isinstance(name, str) else ""
    return ""


def _decoded(text: str | bytes, name: str) -> Any:
    try:
        return wire.json_value(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{name} is not JSON: {fault_text(error)}", hint=HINT) from error
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UsageError(f"{name} is not JSON: {reason}", hint=HINT) from error


def _too_large(where: str, size: int, limit: int) -> UsageError:
    return UsageError(
        f"{where} has {size / 1e6:,.1f} MB, and a history may have {limit / 1e6:,.1f} MB",
        hint="save each history in a file of its own, or as JSON lines (.jsonl)",
    )
