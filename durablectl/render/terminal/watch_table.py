"""A set of instances that is looked at again and again: what changed.

Knows no hub, no clock, no keyboard, no screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.progress import count_text, progress_parts
from durablectl.render.sanitize import safe_line

GONE = "no longer matches"


class ChangeMark(Enum):
    """What became of an instance since the last look, as it is shown."""

    SAME = " "
    NEW = "+"
    CHANGED = "*"
    GONE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """An instance that came, went, or is not as it was."""

    mark: ChangeMark
    status: InstanceStatus


@dataclass(slots=True)
class WatchTable:
    """What the last looks showed. `limit` is how many rows a screen shows at most; `waiting` says
    what an instance waits for.
    """

    title: str
    limit: int | None = None
    shown: list[InstanceStatus] = field(default_factory=list)
    marks: dict[str, ChangeMark] = field(default_factory=dict)
    looked: datetime | None = None
    trouble: str = ""
    more: bool = False
    waiting: Callable[[str, datetime], str] = lambda _instance_id, _now: ""
    _known: dict[str, InstanceStatus] = field(default_factory=dict)

    def take(
        self, statuses: Iterable[InstanceStatus], now: datetime, *, more: bool = False
    ) -> list[Change]:
        """Take in a look: what changed since the one before; nothing at the first.

        `more`: there are more than were looked at.
        """
        found = {status.instance_id: status for status in statuses}
        changes: list[Change] = []
        if self.looked is not None:
            changes += self._changes(found, may_be_gone=not (more or self.more))
        self.marks = {change.status.instance_id: change.mark for change in changes}
        self._known, self.shown = found, list(found.values())
        self.looked, self.trouble, self.more = now, "", more
        return changes

    def _changes(self, found: dict[str, InstanceStatus], *, may_be_gone: bool) -> Iterator[Change]:
        for key, status in found.items():
            before = self._known.get(key)
            if before is None:
                yield Change(ChangeMark.NEW, status)
            elif _essence(before) != _essence(status):
                yield Change(ChangeMark.CHANGED, status)
        if may_be_gone:
            yield from (
                Change(ChangeMark.GONE, status)
                for key, status in self._known.items()
                if key not in found
            )


def change_line(change: Change, now: datetime) -> str:
    """A change on one line: the time, the id, the name, the state, and how far it says it is."""
    status = change.status
    state = GONE if change.mark is ChangeMark.GONE else status.runtime_status.value
    cells = (
        now.astimezone().isoformat(" ", "seconds"),
        status.instance_id,
        status.name,
        state,
        " ".join(progress_parts(status)),
    )
    return "\t".join(map(safe_line, cells)).rstrip("\t")


def counted(statuses: Sequence[InstanceStatus], *, more: bool = False) -> str:
    """How many instances there are of each state."""
    if not statuses:
        return "no instance matches"
    what = "1 instance" if len(statuses) == 1 else f"{len(statuses)} instances"
    counted = count_text(Counter(each.runtime_status for each in statuses))
    return f"{'more than ' if more else ''}{what}: {counted}"


def _essence(status: InstanceStatus) -> tuple[RuntimeStatus, str]:
    return status.runtime_status, repr(status.custom_status)
