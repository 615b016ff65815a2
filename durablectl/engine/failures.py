"""What user code raised, as the JSON that the service keeps, and as what the log of a worker
hears of it; no I/O, no history.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from durablectl.causes import split_exceptions
from durablectl.payload import dumps, storable

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
NO_DETAILS = " \n None"
_INNER = "_durablectl_inner"


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


def details_of(error: BaseException) -> str:
    """An exception as the JSON that callers read with `json.loads(str(e).split("\\n")[1])`."""
    kind, message, cause = type(error), message_of(error), error.__cause__
    inner = getattr(error, _INNER, None)
    if inner is None and cause is not None:
        inner = {"ClassName": class_of(cause), "Message": message_of(cause)}
    return dumps(
        {
            "ClassName": class_of(error),
            "Message": message or str(kind),
            "StackTraceString": _stack(error),
            "InnerException": inner,
        }
    )


def reason_of(kind: str, name: str, error: BaseException) -> str:
    """What a Python app on Azure shows of a failed function (TaskActivityShim.cs)."""
    # Two blanks after the colon: the host cuts the worker's "Exception: X" just behind its colon.
    return storable(
        f"{kind} function '{name}' failed:  {type(error).__name__}: {message_of(error)}"
    )


def message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # user code: __str__
        return ""


def class_of(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def child_details(text: str | None, details: str | None) -> str:
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


def structured_reason(text: str | None, details: str | None) -> str | None:
    """The message of a failure that has its structure in `details`, as `ErrorType: ErrorMessage` is
    its text; None for a text in the service's words.
    """
    if text is None or details is None or text.startswith("Orchestrator function"):
        return None
    exception = json.loads(details)
    message = exception.get("Message")
    return message if text == f"{exception.get('ClassName')}: {message}" else None


def failure_details(details: str | None) -> Mapping[str, Any] | None:
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


def entity_error(message: Any, entity_id: str, failure: Any) -> Exception:
    """What the caller of a failed operation gets: a plain exception with the message, as in 1.x.

    What else is known is kept with it.
    """
    error = Exception(message)
    if isinstance(failure, dict):
        members = {"ClassName": failure.get("ErrorType"), "Message": failure.get("ErrorMessage")}
        setattr(
            error,
            _INNER,
            members | {"StackTraceString": failure.get("StackTrace"), "Source": entity_id},
        )
    return error


def _stack(error: BaseException) -> str:
    """The traceback, from the first frame on that is not the engine's."""
    frames = _frames(error)
    try:
        return "".join(traceback.format_exception(type(error), error, frames))
    except Exception:  # user code: __str__
        return ""


def without_engine_frames(error: BaseException) -> BaseException:
    """The exception, its traceback from the first frame on that is not the engine's."""
    return error.with_traceback(_frames(error))


def _frames(error: BaseException) -> TracebackType | None:
    frames = error.__traceback__
    while (
        frames is not None
        and frames.tb_next is not None
        and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE)
    ):
        frames = frames.tb_next
    return frames
