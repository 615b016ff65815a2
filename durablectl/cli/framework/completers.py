"""Names that a completion can know at once: contexts, instances, and what an instance has.

Silent on failure.

A remote hub is asked only where the user's context says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from durablectl import config, model

if TYPE_CHECKING:
    from durablectl.taskhub import TaskHub

MOST = 50
LONGEST = 0.2  # seconds
GIVEN = "durablectl.given"  # where a click context keeps the global options of the whole invocation
_Hook = TypeVar("_Hook", bound=Callable[..., list[str]])


class Candidate(NamedTuple):
    """One answer; of what click's own items have, what is read of them."""

    value: str
    help: str = ""
    type: str = "plain"


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


def session_of(ctx: Any) -> Any:
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
    return of_hub(ctx, lambda hub: _ids(hub, incomplete))


def of_instance(
    ctx: Any, incomplete: str, names: Callable[[model.InstanceStatus], list[str]]
) -> list[str]:
    """The names that the instance of the line has, found in its status with its history."""
    words = (ctx.params or {}).get("instances") or []

    def look(hub: TaskHub) -> list[str]:
        return names(hub.get_status(words[0], show_input=False, show_history=True))

    found = of_hub(ctx, look) if words else []
    return [name for name in found if name.lower().startswith(incomplete.lower())]


@silent
def of_hub(ctx: Any, names: Callable[[TaskHub], list[str]]) -> list[str]:
    """What a local hub knows; of a remote one only what the context says may be asked for.

    Nothing where it takes too long.
    """
    session = session_of(ctx)
    if not (session.is_local or session.settings.completion_network):
        return []
    config.load_backend(session.settings)  # what loads slowly is not the hub's fault

    @silent
    def look() -> list[str]:
        try:
            return names(session.open())
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
