"""A set of instances that is looked at again and again: what changed, and how a screen shows it.

Knows no hub, no clock, no keyboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.output import Output
from durablectl.render.progress import progress_of
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import STYLES
from durablectl.render.views import ago_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

FRAME = 4  # lines of a screen that are not rows: title, header, a blank one, the foot
WIDE = 100  # columns of a window that has room for both
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
        changes = (
            []
            if self.looked is None
            else list(self._changes(found, may_be_gone=not (more or self.more)))
        )
        self.marks = {change.status.instance_id: change.mark for change in changes}
        self._known, self.shown, self.looked, self.trouble, self.more = (
            found,
            list(found.values()),
            now,
            "",
            more,
        )
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
        _progress(status),
    )
    return "\t".join(map(safe_line, cells)).rstrip("\t")


def counted(statuses: Sequence[InstanceStatus], *, more: bool = False) -> str:
    """How many instances there are of each state."""
    states = Counter(status.runtime_status.value for status in statuses)
    total = (
        f"{'more than ' if more else ''}{len(statuses)} instance{'' if len(statuses) == 1 else 's'}"
    )
    return (
        f"{total}: " + ", ".join(f"{count} {state}" for state, count in states.most_common())
        if states
        else "no instance matches"
    )


class Screen(Protocol):
    """Where the table is shown."""

    def __call__(self, table: WatchTable, now: datetime) -> None: ...


@contextmanager
def screen(out: Output) -> Iterator[Screen]:
    """While inside, the table can be shown on the terminal's other screen; after it the terminal is
    as it was.
    """
    from rich.live import Live  # deferred: only a terminal pays for it

    console = out.console
    with Live(
        console=console,
        screen=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        yield lambda table, now: live.update(
            screenful(table, now, console.width, console.height), refresh=True
        )


def screenful(table: WatchTable, now: datetime, width: int, height: int) -> RenderableType:
    """The table as a screen of this size shows it."""
    from rich.console import Group  # deferred, as above
    from rich.table import Table
    from rich.text import Text

    room = max(height - FRAME, 1)
    rows = table.shown[: min(room, table.limit or room)]
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), width=width)
    is_wide = width >= WIDE
    columns = [("", 0), ("ID", 3), ("NAME", 2), ("STATUS", 0), ("UPDATED", 0), ("WAITING FOR", 3)]
    for column, ratio in [*columns, *([("", 3)] if is_wide else [])]:
        grid.add_column(column, ratio=ratio or None, no_wrap=True, overflow="ellipsis")
    for status in rows:
        mark = table.marks.get(status.instance_id, ChangeMark.SAME)
        grid.add_row(
            *_cells(status, mark, now),
            *_waiting_cells(table, status, now, is_wide=is_wide),
            style="bold" if mark is not ChangeMark.SAME else "",
        )
    title = Text(safe_line(table.title), style="bold", no_wrap=True, overflow="ellipsis")
    padding = [Text("")] * (room - len(rows))
    return Group(
        title,
        grid,
        *padding,
        Text(""),
        Text(_foot(table, len(rows), now), style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _cells(status: InstanceStatus, mark: ChangeMark, now: datetime) -> list[Text]:
    from rich.text import Text  # deferred, as above

    state = status.runtime_status
    return [
        Text(mark.value, style="bold yellow"),
        Text(safe_line(status.instance_id)),
        Text(safe_line(status.name)),
        Text(state.value, style=STYLES.get(state, "")),
        Text(ago_text((now - status.last_updated_time).total_seconds()), style="dim"),
    ]


def _waiting_cells(
    table: WatchTable, status: InstanceStatus, now: datetime, *, is_wide: bool
) -> list[Text]:
    """What it waits for and how far it says it is: in a narrow window what there is of the two."""
    from rich.text import Text  # deferred, as above

    waiting = "" if status.is_final else safe_line(table.waiting(status.instance_id, now))
    progress = _progress(status)
    cells = [waiting, progress] if is_wide else [waiting or progress]
    return [Text(cell) for cell in cells]


def _foot(table: WatchTable, rows: int, now: datetime) -> str:
    if table.looked is None:
        return table.trouble or "looking …"
    parts = [counted(table.shown, more=table.more)]
    if rows < len(table.shown):
        parts.append(f"{rows} shown")
    parts.append(table.trouble or f"{now.astimezone():%H:%M:%S}")
    return safe_line(" · ".join([*parts, "q quits"]))


def _progress(status: InstanceStatus) -> str:
    if status.is_final:
        return ""
    percent, message = progress_of(status.custom_status)
    return safe_line(
        " ".join(
            part for part in (f"{percent:.0f} %" if percent is not None else "", message) if part
        )
    )


def _essence(status: InstanceStatus) -> tuple[RuntimeStatus, str]:
    return status.runtime_status, repr(status.custom_status)
