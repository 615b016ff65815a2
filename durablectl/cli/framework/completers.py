"""Names that a completion can know at once: contexts, instances, orchestrators, events.

Silent on failure.

A remote hub is asked only where the user's context says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from durablectl import config
from durablectl.model import InstanceFilter

if TYPE_CHECKING:
    import ast
    from pathlib import Path

    from durablectl.taskhub import TaskHub

MOST = 50
LONGEST = 0.2  # seconds
GIVEN = "durablectl.given"  # where a click context keeps the global options of the whole invocation
_Hook = TypeVar("_Hook", bound=Callable[..., list[str]])


def silent(hook: _Hook) -> _Hook:
    """A hook that finds nothing where it fails: a completion must never disturb the line that is
    being typed.
    """

    @wraps(hook)
    def found(*args: Any, **kwargs: Any) -> list[str]:
        try:
            return hook(*args, **kwargs)
        except Exception:
            return []

    return found  # type: ignore[return-value]


def _session(ctx: Any) -> Any:
    return ctx.find_root().obj(ctx.meta.get(GIVEN, {}))


def choices(words: Iterable[str]) -> Callable[[str], list[str]]:
    """A hook for an option that is one of a few words."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


@silent
def contexts(incomplete: str) -> list[str]:
    """The names of the user's contexts."""
    return [
        name
        for name in config.read_user_file(config.default_user_file()).contexts
        if name.startswith(incomplete)
    ]


def instances(ctx: Any, incomplete: str) -> list[str]:
    """The ids of the hub's instances."""
    return _of_hub(ctx, lambda hub: _ids(hub, incomplete))


def orchestrators(ctx: Any, incomplete: str) -> list[str]:
    """The names of the app's orchestrators, read without running it; without an app, those that the
    hub knows or has run.
    """
    found = _of_app(ctx, _orchestrators_of) or _of_hub(ctx, _run_names)
    return [name for name in found if name.lower().startswith(incomplete.lower())]


def events(ctx: Any, incomplete: str) -> list[str]:
    """The names of events: those that the app's orchestrators wait for, and those that the instance
    has had.
    """
    words = (ctx.params or {}).get("words") or (ctx.params or {}).get("instances") or []
    found = [*_of_app(ctx, _events_of), *_of_hub(ctx, lambda hub: _had(hub, words))]
    return [name for name in dict.fromkeys(found) if name.lower().startswith(incomplete.lower())]


def instance_then_event(ctx: Any, incomplete: str) -> list[str]:
    """The words of `raise-event`: an instance, then an event. Its fields cannot be known."""
    words = ctx.params.get("words") or []
    if not words or ctx.params.get("event"):
        return instances(ctx, incomplete)
    return events(ctx, incomplete) if len(words) == 1 else []


def steps(ctx: Any, incomplete: str) -> list[str]:
    """The steps of the instance of `restart --from`: their numbers, and the names of the activities
    and sub-orchestrators that are called once.
    """
    words = (ctx.params or {}).get("instances") or []
    found = _of_hub(ctx, lambda hub: _steps_of(hub, words)) if words else []
    return [name for name in found if name.lower().startswith(incomplete.lower())]


@silent
def _of_hub(ctx: Any, names: Callable[[TaskHub], list[str]]) -> list[str]:
    """What a local hub knows; of a remote one only what the context says may be asked for.

    Nothing where it takes too long.
    """
    session = _session(ctx)
    if session.is_local:
        import durablectl.backends.local  # what loads slowly is not the hub's fault
    elif session.settings.completion_network:
        import durablectl.backends.http.hub  # noqa: F401 - as above
    else:
        return []

    @silent
    def look() -> list[str]:
        try:
            return names(session.hub)
        finally:
            session.close()

    return _in_time(look)


def _in_time(look: Callable[[], list[str]]) -> list[str]:
    """What `look` finds within LONGEST seconds, else nothing: a slow hub must not hold up the line
    that is being typed.
    """
    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(look()), daemon=True)
    thread.start()
    thread.join(LONGEST)
    return found[0] if found else []


def _ids(hub: TaskHub, incomplete: str) -> list[str]:
    ids = [
        status.instance_id for status in hub.list_page(InstanceFilter(prefix=incomplete), top=MOST)
    ]
    # which name a file, an address
    return [each for each in ids if not each.startswith("@") and "://" not in each]


def _run_names(hub: TaskHub) -> list[str]:
    known = hub.orchestrators()
    return (
        list(known)
        if known is not None
        else sorted({status.name for status in hub.list_page(InstanceFilter(), top=MOST)})
    )


def _had(hub: TaskHub, words: list[str]) -> list[str]:
    if not words:
        return []
    events = hub.get_status(words[0], show_input=False, show_history=True).history or ()
    return [str(event.members.get("Name")) for event in events if event.event_type == "EventRaised"]


def _steps_of(hub: TaskHub, words: list[str]) -> list[str]:
    from durablectl.history.steps import Kind  # deferred: few completions need it
    from durablectl.history.timeline import steps as steps_of  # deferred, as above

    found = steps_of(hub.get_status(words[0], show_input=False, show_history=True))
    names = [each.name for each in found if each.kind in (Kind.ACTIVITY, Kind.CHILD)]
    return [str(each.number) for each in found] + [name for name in names if names.count(name) == 1]


@silent
def _of_app(ctx: Any, names: Callable[[Path], list[str]]) -> list[str]:
    app = _session(ctx).app_path
    return [] if app is None else names(_file_of(app) or app)


def _file_of(app: Path) -> Path | None:
    """The file of an app that is one file; None for a folder of function.json folders."""
    from durablectl.functionapp.search import APP_FILE  # deferred, as above

    file = app / APP_FILE if app.is_dir() else app
    return file if file.is_file() else None


def _orchestrators_of(app: Path) -> list[str]:
    if app.is_file():
        return declared_orchestrators(app.read_text(encoding="utf-8"))
    return [
        path.parent.name
        for path in sorted(app.glob("*/function.json"))
        if b'"orchestrationTrigger"' in path.read_bytes()
    ]


def _events_of(app: Path) -> list[str]:
    files = [app] if app.is_file() else sorted(app.glob("*/*.py"))
    return [name for file in files for name in declared_events(file.read_text(encoding="utf-8"))]


def declared_events(source: str) -> list[str]:
    """The names of the events that a module's source waits for, as far as they stand there as
    texts.
    """
    import ast  # deferred, as above

    calls = [
        node.args[0] if node.args else None
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "wait_for_external_event"
    ]
    return list(
        dict.fromkeys(
            each.value
            for each in calls
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
    )


def declared_orchestrators(source: str) -> list[str]:
    """The names of the functions that a module's source decorates as orchestrators."""
    import ast  # deferred, as above

    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        marks = {
            mark.func.attr: mark
            for mark in function.decorator_list
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
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
        if (
            arguments
            and isinstance(arguments[0], ast.Constant)
            and isinstance(arguments[0].value, str)
        ):
            return arguments[0].value
    return None
