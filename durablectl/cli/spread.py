"""Options that several commands share, declared once as the fields of a named tuple; knows no option and no command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Result = TypeVar("_Result")


def spread(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """A command whose named-tuple parameters are, to Typer, their fields one by one; the command gets the values as it declares them.

    A field is annotated as a parameter would be, and has a default. The help shows the command's own parameters first.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if isinstance(kind, type) and hasattr(kind, "_field_defaults")}

    @wraps(command)
    def called(**given: Any) -> _Result:
        made = {name: kind(*(given.pop(each) for each in kind._fields)) for name, kind in groups.items()}
        return command(**given, **made)

    own_first = sorted(inspect.signature(command).parameters.items(), key=lambda item: item[0] in groups)
    parameters = [each for name, own in own_first for each in _parameters(name, own, hints, groups)]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _parameters(name: str, own: inspect.Parameter, hints: dict[str, Any], groups: dict[str, Any]) -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    if name not in groups:
        return [own.replace(annotation=hints[name], kind=keyword)]
    inner, defaults = get_type_hints(groups[name], include_extras=True), groups[name]._field_defaults
    return [inspect.Parameter(each, keyword, default=defaults[each], annotation=inner[each]) for each in groups[name]._fields]
