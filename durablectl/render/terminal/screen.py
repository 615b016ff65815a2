"""A watched listing as a screen shows it. Asks no clock."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from durablectl.model import InstanceStatus
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.styles import STYLES
from durablectl.render.terminal.watch_table import ChangeMark, WatchTable, counted, progress_text
from durablectl.render.views import ago_text

FRAME = 4  # lines of a screen that are not rows: title, header, a blank one, the foot
WIDE = 100  # columns of a window that has room for both


def screenful(table: WatchTable, now: datetime, width: int, height: int) -> RenderableType:
    """The table as a screen of this size shows it."""
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
    waiting = "" if status.is_final else safe_line(table.waiting(status.instance_id, now))
    progress = progress_text(status)
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
