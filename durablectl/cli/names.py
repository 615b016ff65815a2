"""Names that a completion can know at once: contexts, a local hub's instances, an app's orchestrators. Silent on failure, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import ast

MOST = 50
GIVEN = "durablectl.given"  # where a click context keeps the global options of the whole invocation
_Hook = TypeVar("_Hook", bound=Callable[..., list[str]])


def silent(hook: _Hook) -> _Hook:
    """A hook that finds nothing where it fails: a completion must never disturb the line that is being typed."""

    @wraps(hook)
    def found(*args: Any, **kwargs: Any) -> list[str]:
        try:
            return hook(*args, **kwargs)
        except Exception:
            return []

    return found  # type: ignore[return-value]


def _session(ctx: Any) -> Any:
    from durablectl.cli.session import open_session  # deferred: only a completion needs it

    return open_session(ctx.meta.get(GIVEN, {}))


@silent
def contexts(incomplete: str) -> list[str]:
    """The names of the user's contexts."""
    from durablectl import config  # deferred: only this hook needs it

    return [name for name in config.read_user_file(config.default_user_file()).contexts if name.startswith(incomplete)]


def instances(ctx: Any, incomplete: str) -> list[str]:
    """The ids of a local hub's instances."""
    return _instances(ctx, incomplete)


@silent
def _instances(ctx: Any, incomplete: str) -> list[str]:
    from durablectl.model import InstanceFilter  # deferred, as above

    session = _session(ctx)
    try:
        if not session.is_local:
            return []
        page = session.hub.list_page(InstanceFilter(prefix=incomplete), top=MOST)
        return [status.instance_id for status in page]
    finally:
        session.close()


def orchestrators(ctx: Any, incomplete: str) -> list[str]:
    """The names of the app's orchestrators, read without running it."""
    return _orchestrators(ctx, incomplete)


@silent
def _orchestrators(ctx: Any, incomplete: str) -> list[str]:
    app = _session(ctx).app_path
    file = app / "function_app.py" if app is not None and app.is_dir() else app
    names = [] if file is None else declared_orchestrators(file.read_text(encoding="utf-8"))
    return [name for name in names if name.lower().startswith(incomplete.lower())]


def declared_orchestrators(source: str) -> list[str]:
    """The names of the functions that a module's source decorates as orchestrators."""
    import ast  # deferred, as above

    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        marks = {
            mark.func.attr: mark for mark in function.decorator_list if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
        }
        if "orchestration_trigger" in marks:
            found.append(_given_name(marks) or function.name)
    return found


def _given_name(marks: Mapping[str, ast.Call]) -> str | None:
    """The name in `@app.function_name(…)` or `orchestration_trigger(…, orchestration=…)`."""
    import ast  # deferred, as above

    for mark, keyword in (("function_name", "name"), ("orchestration_trigger", "orchestration")):
        if mark not in marks:
            continue
        arguments = [each.value for each in marks[mark].keywords if each.arg == keyword] or (
            marks[mark].args[:1] if keyword == "name" else []
        )
        if arguments and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str):
            return arguments[0].value
    return None
