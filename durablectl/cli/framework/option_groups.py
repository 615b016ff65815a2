"""Options that several commands share, declared once as the fields of a named tuple; knows no
option and no command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Result = TypeVar("_Result")


def spread(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """A command whose named-tuple parameters are, to Typer, their fields one by one; the command
    gets the values as it declares them.

    A field is annotated as a parameter would be, and has a default. The help shows the fields where
    the parameter has a default and stands so among the others, else after the command's own.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {
        name: kind
        for name, kind in hints.items()
        if isinstance(kind, type) and hasattr(kind, "_field_defaults")
    }

    @wraps(command)
    def called(**given: Any) -> _Result:
        made = {
            name: kind(*(given.pop(each) for each in kind._fields)) for name, kind in groups.items()
        }
        return command(**given, **made)

    declared = inspect.signature(command).parameters.values()
    own_first = sorted(
        declared, key=lambda each: each.name in groups and each.default is each.empty
    )
    parameters = [each for own in own_first for each in _parameters(own, hints, groups)]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _parameters(
    own: inspect.Parameter, hints: dict[str, Any], groups: dict[str, Any]
) -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    if (group := groups.get(own.name)) is None:
        return [own.replace(annotation=hints[own.name], kind=keyword)]
    inner, defaults = get_type_hints(group, include_extras=True), group._field_defaults
    return [
        inspect.Parameter(each, keyword, default=defaults[each], annotation=inner[each])
        for each in group._fields
    ]
