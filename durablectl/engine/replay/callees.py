"""What is called, when an orchestrator names it by the decorated function instead of a string: its
name and what it returns.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from durablectl.engine.registry import Activity, Orchestrator

_ACTIVITY = (Activity, "ActivityTrigger", "activity_trigger")
_ORCHESTRATOR = (Orchestrator, "OrchestrationTrigger", "orchestration_trigger")
_CALLED_BY: dict[str, tuple[type[Activity] | type[Orchestrator], str, str]] = {
    "call_activity": _ACTIVITY,
    "call_activity_with_retry": _ACTIVITY,
    "call_sub_orchestrator": _ORCHESTRATOR,
    "call_sub_orchestrator_with_retry": _ORCHESTRATOR,
}


def resolve(callee: Any, method: str) -> tuple[str, Any]:
    """The name of what a method of the context calls, and the class that its return annotation
    names, or None.

    `callee` is a name, a function builder of the Azure SDK, or one of ours (`durablectl_function`).
    """
    if isinstance(callee, str):
        return text(callee, "function_name"), None
    kind, trigger, decorator = _CALLED_BY[method]
    ours = getattr(callee, "durablectl_function", None)
    if ours is not None:
        if not isinstance(ours, kind):
            raise ValueError(_wrong_kind(_trigger_type(ours), trigger))
        return ours.name, returned_class(ours.function)
    function = getattr(callee, "_function", None)
    if function is not None:
        found = getattr(function.get_trigger(), "type", "none")
        if found.lower() != trigger.lower():
            raise ValueError(_wrong_kind(found, trigger))
        user_function = function.get_user_function()
        return function.get_function_name(), returned_class(
            getattr(user_function, "orchestrator_function", user_function)
        )
    if callable(callee):
        raise ValueError(  # noqa: TRY004 - the SDK's
            f"The `{method}` API received a `Callable` without an associated Azure Functions "
            "trigger-type: "
            f"decorate it with `{decorator}`, or give its name as a string"
        )
    if not callee:
        raise ValueError("function_name cannot be empty")
    raise TypeError(f"{method} takes a function's name, not {type(callee).__name__}")


def text(value: Any, what: str) -> str:
    """`value` if it is text that a task hub can keep, else ValueError or TypeError that names
    `what`.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{what} cannot be empty")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{what} holds half of a character pair, which no task hub can keep"
            ) from error
    return value


# Reading annotations takes longer than the call, which each replay makes again.
@functools.lru_cache(maxsize=4096)
def returned_class(function: Callable[..., Any]) -> type | None:
    """The class in a function's return annotation; None when there is none, or it is not a plain
    class.
    """
    try:
        annotation = typing.get_type_hints(function).get("return")
    except Exception:  # a name in an annotation that cannot be found: user code
        annotation = getattr(inspect.unwrap(function), "__annotations__", {}).get("return")
    return annotation if isinstance(annotation, type) and annotation is not type(None) else None


def _trigger_type(function: Any) -> str:
    return {
        "Activity": "activityTrigger",
        "Orchestrator": "orchestrationTrigger",
        "Entity": "entityTrigger",
    }.get(type(function).__name__, str(getattr(function, "trigger", "none")))


def _wrong_kind(found: str, expected: str) -> str:
    return (
        f"Received function with Trigger-type `{found}` but expected `{expected}`: "
        f"decorate the function for that, or give the name of one that is"
    )
