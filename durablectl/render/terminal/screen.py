"""A watched listing as a screen shows it. Asks no clock."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from durablectl.model import InstanceStatus
from durablectl.render.progress import progress_parts
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.listing import MARK, PROGRESS, listing
from durablectl.render.terminal.styles import STYLES
from durablectl.render.terminal.watch_table import ChangeMark, WatchTable, counted
from durablectl.render.views import DETAILS, ago_text

FRAME = 4  # lines of a screen that are not rows: title, header, a blank one, the foot
WIDE = 100  # columns of a window that has room for both
COLUMNS = (MARK, "id", "name", "status", "updated", DETAILS, PROGRESS)


def screenful(table: WatchTable, now: datetime, width: int, height: int) -> RenderableType:
    """The table as a screen of this size shows it."""
    room = max(height - FRAME, 1)
    rows = table.shown[: min(room, table.limit or room)]
    is_wide = width >= WIDE
    marks = [table.marks.get(each.instance_id, ChangeMark.SAME) for each in rows]
    cells = [
        [*_cells(each, mark, now), *_waiting_cells(table, each, now, is_wide=is_wide)]
        for each, mark in zip(rows, marks, strict=True)
    ]
    header, *lines = listing(COLUMNS if is_wide else COLUMNS[:-1], cells, width)
    for line, mark in zip(lines, marks, strict=True):
        line.style = "bold" if mark is not ChangeMark.SAME else ""
    title = Text(safe_line(table.title), style="bold", no_wrap=True, overflow="ellipsis")
    padding = [Text("")] * (room - len(rows))
    return Group(
        title,
        header,
        *lines,
        *padding,
        Text(""),
        Text(_foot(table, len(rows), now), style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _cells(status: InstanceStatus, mark: ChangeMark, now: datetime) -> list[Text]:
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
    """What it waits for or why it failed, and how far it says it is: in a narrow window what there
    is of the two.
    """
    cause = status.cause
    waiting = table.waiting(status.instance_id, now) if not status.is_final else ""
    waiting = safe_line(cause.line if cause is not None else waiting)
    progress = " ".join(progress_parts(status))
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
