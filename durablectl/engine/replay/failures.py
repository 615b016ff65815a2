"""What user code raised, as the JSON that the service keeps; no I/O, no history."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from durablectl.engine.replay.places import first_line_of, shown_position
from durablectl.payload import dumps, storable

_PACKAGE = f"{Path(__file__).parents[2]}{os.sep}"
NO_DETAILS = " \n None"
_INNER = "_durablectl_inner"


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


def encoded(value: Any, what: str, name: str, function: object) -> str:
    """The JSON text of what a function has made; an error says where that is, as no frame of it is
    in the traceback.
    """
    try:
        return dumps(value)
    except (TypeError, ValueError) as error:
        place = shown_position(first_line_of(function))
        if place and type(error) in (TypeError, ValueError):
            error.args = (f"the {what} '{name}' at {place} is not JSON: {error}",)
        raise


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
