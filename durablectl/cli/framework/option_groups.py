"""Commands as Typer takes them: the session comes from the context, and options that several
commands share are declared once, as the fields of a named tuple. Knows no option and no command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, get_type_hints

import typer


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first parameter, its session, is to Typer a context that has the session, and
    whose named-tuple parameters are their fields one by one; the command gets the values as it
    declares them.

    A field is annotated as a parameter would be, and has a default. The help shows the fields where
    the parameter has a default and stands so among the others, else after the command's own.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {
        name: kind for name, kind in hints.items() if hasattr(kind, "_field_defaults")
    }

    @wraps(command)
    def called(ctx: typer.Context, **given: Any) -> None:
        made = {
            name: kind(*(given.pop(each) for each in kind._fields)) for name, kind in groups.items()
        }
        command(ctx.obj, **given, **made)

    _session, *declared = inspect.signature(command).parameters.values()
    own_first = sorted(
        declared, key=lambda each: each.name in groups and each.default is each.empty
    )
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *(each for own in own_first for each in _parameters(own, hints, groups))]
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
