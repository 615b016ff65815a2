"""The instances whose ids begin with what was named as one, or are shortened to it by a listing."""

from __future__ import annotations

from collections.abc import Sequence

from durablectl.cli.arguments.instance_ids import is_status_url
from durablectl.errors import DurablectlError
from durablectl.model import InstanceFilter
from durablectl.taskhub import TaskHub

SHORTEST_PREFIX = 6
MOST, READ = 15, 500
SECONDS = 3.0
"""An error waits no longer for its hint."""
CUT = "…"  # of `render.terminal.listing`


def may_begin_an_id(name: str) -> bool:
    """Whether a name is long enough for that, and not an entity, a file or a URL."""
    begin = name.partition(CUT)[0]
    is_plain = len(begin) >= SHORTEST_PREFIX and not name.startswith("@")
    return is_plain and not is_status_url(name)


def ids_like(hub: TaskHub, name: str) -> list[str]:
    """The ids that begin with it, or are shortened to it, as far as one reading has them."""
    begin, _, end = name.partition(CUT)
    filter = InstanceFilter(prefix=begin)
    page = hub.newest(filter, top=READ) if end else hub.list_page(filter, top=MOST)
    return [each.instance_id for each in page.items if each.instance_id.endswith(end)]


def hint_of(ids: Sequence[str]) -> str:
    """What to say of the ids that begin with what is not an id."""
    if len(ids) == 1:
        return f"did you mean '{ids[0]}'?"
    return f"several ids start with it: {', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}"


def hint_at(hub: TaskHub, name: str) -> str | None:
    """The hint for an instance that is not there; None when no other id begins so."""
    if not may_begin_an_id(name):
        return None
    try:
        ids = ids_like(hub.within(SECONDS), name)
    except DurablectlError:
        return None  # that the instance is not there is known
    return hint_of(ids) if ids else None
