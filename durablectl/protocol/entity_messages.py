"""The messages between orchestrations and entities, as the events EventSent and EventRaised; pure.

The protocol has messages of its own for them. A history of Durable Functions, and ours, has the
JSON that DurableTask.Core writes (Entities/EventFormat): a request is an event "op" to the entity,
or "op@TIME" when it waits for a time; "release" gives a lock back; and what comes back is an event
whose name is the id of the request, or of the critical section that a lock was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from durablectl.history.events import EventRaised, EventSent
from durablectl.model import EntityId, utc
from durablectl.protocol.failures import FailureDetails, core_json, read_failure
from durablectl.protocol.fields import Message, malformed, read_text, read_time
from durablectl.wire import exact_time_to_text

RELEASE = "release"


def sent_message(kind: str, part: Any, at: datetime, task_id: int) -> EventSent | None:
    """The event of a message to an entity; None when `kind` is another field of HistoryEvent."""
    write = _SENT.get(kind)
    return write(part, at, task_id) if write is not None else None


def received_message(kind: str, part: Any, at: datetime) -> EventRaised | None:
    """The event of a message from an entity; None when `kind` is another field of HistoryEvent."""
    if kind == "entityOperationCompleted":
        return EventRaised(at, part.requestId, reply_text(read_text(part, "output")))
    if kind == "entityOperationFailed":
        failure = read_failure(part) or FailureDetails("")
        return EventRaised(at, part.requestId, reply_text(failure=failure))
    if kind == "entityLockGranted":
        return EventRaised(at, part.criticalSectionId, reply_text())
    return None


def reply_text(result: str | None = None, failure: FailureDetails | None = None) -> str:
    """What an entity replies: JSON text of a result, or why the operation failed."""
    if failure is None:
        return _text({"result": result})
    return _text(
        {
            "result": json.dumps(failure.message),
            "exceptionType": failure.error_type,
            "failureDetails": core_json(failure),
        }
    )


def _signaled(part: Any, at: datetime, task_id: int) -> EventSent:
    request = {
        "op": part.operation,
        "signal": True,
        "input": read_text(part, "input"),
        "id": part.requestId,
    }
    return _request(part, at, task_id, request)


def _called(part: Any, at: datetime, task_id: int) -> EventSent:
    request = {"op": part.operation, "input": read_text(part, "input"), "id": part.requestId}
    sender = {
        "parent": read_text(part, "parentInstanceId"),
        "parentExecution": read_text(part, "parentExecutionId"),
    }
    return _request(
        part, at, task_id, request | {name: value for name, value in sender.items() if value}
    )


def _request(part: Any, at: datetime, task_id: int, request: dict[str, Any]) -> EventSent:
    due = read_time(part, "scheduledTime")
    name = "op"
    if due is not None:
        request["due"] = exact_time_to_text(due)
        name = f"op@{utc(due).replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"
    return EventSent(at, task_id, _target(part), name, _text(request))


def _lock_requested(part: Any, at: datetime, task_id: int) -> EventSent:
    entities = list(part.lockSet)
    if not 0 <= part.position < len(entities):
        raise malformed(
            part, f"'position' is {part.position}, and 'lockSet' has {len(entities)} entities"
        )
    locks = [_entity(part, entity) for entity in entities]
    request = {
        "op": None,
        "id": part.criticalSectionId,
        "parent": read_text(part, "parentInstanceId"),
        "lockset": [{"name": lock.name, "key": lock.key} for lock in locks],
        "pos": part.position,
    }
    return EventSent(at, task_id, entities[part.position], "op", _text(request))


def _unlock_sent(part: Any, at: datetime, task_id: int) -> EventSent:
    released = {"parent": read_text(part, "parentInstanceId"), "id": part.criticalSectionId}
    return EventSent(at, task_id, _target(part), RELEASE, _text(released))


def _target(part: Any) -> str:
    target = read_text(part, "targetInstanceId") or ""
    _entity(part, target)
    return target


def _entity(part: Message, text: str) -> EntityId:
    try:
        return EntityId.parse(text)
    except ValueError as error:
        raise malformed(part, str(error)) from None


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


_SENT: dict[str, Callable[[Any, datetime, int], EventSent]] = {
    "entityOperationSignaled": _signaled,
    "entityOperationCalled": _called,
    "entityLockRequested": _lock_requested,
    "entityUnlockSent": _unlock_sent,
}
