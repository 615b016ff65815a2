"""Names of an app that a completion can know at once: orchestrators and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durablectl import model
from durablectl.cli.framework.completers import MOST, instances, of_hub, session_of, silent
from durablectl.functionapp.source_names import NAMES

if TYPE_CHECKING:
    from durablectl.taskhub import TaskHub


def orchestrators(ctx: Any, incomplete: str) -> list[str]:
    """The names of the app's orchestrators, read without running it; without an app, those that the
    hub knows or has run.
    """
    found = _of_app(ctx, "orchestrators") or of_hub(ctx, _run_names)
    return [name for name in found if name.lower().startswith(incomplete.lower())]


def events(ctx: Any, incomplete: str) -> list[str]:
    """The names of events: those that the app's orchestrators wait for, and those that the instance
    has had.
    """
    words = (ctx.params or {}).get("words") or (ctx.params or {}).get("instances") or []
    found = [*_of_app(ctx, "events"), *of_hub(ctx, lambda hub: _had(hub, words))]
    return [name for name in dict.fromkeys(found) if name.lower().startswith(incomplete.lower())]


def instance_then_event(ctx: Any, incomplete: str) -> list[str]:
    """The words of `raise-event`: an instance, then an event. Its fields cannot be known."""
    words = ctx.params.get("words") or []
    if not words or ctx.params.get("event"):
        return instances(ctx, incomplete)
    return events(ctx, incomplete) if len(words) == 1 else []


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


@silent
def _of_app(ctx: Any, what: str) -> list[str]:
    app = session_of(ctx).settings.app
    return [] if app is None else NAMES[what](app)
