"""Names that a completion can know at once: contexts, instances, orchestrators, events.

Silent on failure.

A remote hub is asked only where the user's context says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from durablectl import config, model

if TYPE_CHECKING:
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
    found = _of_app(ctx, "orchestrators") or _of_hub(ctx, _run_names)
    return [name for name in found if name.lower().startswith(incomplete.lower())]


def events(ctx: Any, incomplete: str) -> list[str]:
    """The names of events: those that the app's orchestrators wait for, and those that the instance
    has had.
    """
    words = (ctx.params or {}).get("words") or (ctx.params or {}).get("instances") or []
    found = [*_of_app(ctx, "events"), *_of_hub(ctx, lambda hub: _had(hub, words))]
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
    if not (session.is_local or session.settings.completion_network):
        return []
    config.load_backend(session.settings)  # what loads slowly is not the hub's fault

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
        status.instance_id
        for status in hub.list_page(model.InstanceFilter(prefix=incomplete), top=MOST)
    ]
    # which name a file, an address
    return [each for each in ids if not each.startswith("@") and "://" not in each]


def _run_names(hub: TaskHub) -> list[str]:
    known = hub.orchestrators()
    return (
        list(known)
        if known is not None
        else sorted({status.name for status in hub.list_page(model.InstanceFilter(), top=MOST)})
    )


def _had(hub: TaskHub, words: list[str]) -> list[str]:
    if not words:
        return []
    events = hub.get_status(words[0], show_input=False, show_history=True).history or ()
    return [str(event.members.get("Name")) for event in events if event.event_type == "EventRaised"]


def _steps_of(hub: TaskHub, words: list[str]) -> list[str]:
    from durablectl.history.step_names import step_names  # deferred: few restart from a step

    return step_names(hub.get_status(words[0], show_input=False, show_history=True))


@silent
def _of_app(ctx: Any, what: str) -> list[str]:
    app = _session(ctx).app_path
    if app is None:
        return []
    from durablectl.functionapp.source_names import NAMES  # deferred: parses Python

    return NAMES[what](app)
