"""How the end of an activity, an operation or a sub-orchestration is told to who called it, and
to who watches the worker; no clock, no I/O, no store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from durablectl.causes import split_exceptions
from durablectl.engine.worker.entities import OperationResult
from durablectl.history.events import (
    ExecutionCompleted,
    SubOrchestrationCompleted,
    SubOrchestrationFailed,
)
from durablectl.model import RuntimeStatus
from durablectl.payload import dumps


class Failed(NamedTuple):
    """A failure that was committed: of an activity, an orchestrator or an entity (`kind`), and the
    instance that it ran for.

    `reason` is the service's text, `details` the exception as JSON text. `is_tried_again` is an
    attempt that is followed by another one, `is_passed_on` an orchestrator that failed with what it
    called, `ends_instance` an activity that its instance failed with at once.
    """

    kind: str
    instance_id: str
    reason: str
    details: str | None = None
    operation: str = ""
    is_tried_again: bool = False
    is_passed_on: bool = False
    ends_instance: bool = False


def child_answer(
    now: datetime, task_id: int, ending: ExecutionCompleted
) -> SubOrchestrationCompleted | SubOrchestrationFailed:
    """What the caller of a sub-orchestration that has ended gets."""
    if ending.status is RuntimeStatus.COMPLETED:
        return SubOrchestrationCompleted(now, task_id, ending.result)
    # A failed child says more in its details; a terminated one does not
    # (TaskOrchestrationDispatcher.cs; recorded: engine.json).
    if (reason := _structured_reason(ending.result, ending.details)) is not None:
        return SubOrchestrationFailed(now, task_id, reason, ending.details)
    details = (
        _child_details(ending.result, ending.details)
        if ending.status is RuntimeStatus.FAILED
        else None
    )
    return SubOrchestrationFailed(now, task_id, ending.result or "", details)


def entity_reply(outcome: OperationResult) -> str:
    """What the caller of an entity gets, in the form of the original's ResponseMessage."""
    if outcome.error is None:
        return json.dumps({"result": outcome.result})
    failure = outcome.failure or _failure_details(outcome.details)
    return json.dumps(
        {"result": outcome.result, "exceptionType": outcome.error}
        | ({"failureDetails": failure} if failure else {})
    )


def _child_details(text: str | None, details: str | None) -> str:
    """The exception that the caller of a failed sub-orchestration gets beside its text
    (TaskOrchestrationDispatcher.cs).

    The message is that text without the exceptions in it: with them, as on the service, each level
    would double it.
    """
    message, exceptions = split_exceptions(text or "")
    own: dict[str, Any] = {} if details is None or exceptions else json.loads(details)
    return dumps(
        {
            "ClassName": own.get("ClassName", "System.Exception"),
            "Message": message,
            "StackTraceString": own.get("StackTraceString"),
            "InnerException": own.get("InnerException"),
        }
    )


def _structured_reason(text: str | None, details: str | None) -> str | None:
    """The message of a failure that has its structure in `details`, as `ErrorType: ErrorMessage` is
    its text; None for a text in the service's words.
    """
    if text is None or details is None or text.startswith("Orchestrator function"):
        return None
    exception = json.loads(details)
    message = exception.get("Message")
    return message if text == f"{exception.get('ClassName')}: {message}" else None


def _failure_details(details: str | None) -> Mapping[str, Any] | None:
    """An exception as the FailureDetails that an entity's reply carries (DurableTask.Core,
    ResponseMessage).
    """
    if details is None:
        return None
    exception = json.loads(details)
    names = {"ErrorType": "ClassName", "ErrorMessage": "Message", "StackTrace": "StackTraceString"}
    return {name: exception.get(member) for name, member in names.items()} | {
        "InnerFailure": None,
        "IsNonRetriable": False,
    }
