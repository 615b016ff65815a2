"""A watched listing as a screen shows it. Asks no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from durablectl.model import InstanceStatus
from durablectl.render.progress import progress_parts
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.styles import STYLES
from durablectl.render.terminal.watch_table import ChangeMark, WatchTable, counted
from durablectl.render.views import ago_text

FRAME = 4  # lines of a screen that are not rows: title, header, a blank one, the foot
WIDE = 100  # columns of a window that has room for both
GAP = 2
COLUMNS = ("", "ID", "NAME", "STATUS", "UPDATED", "DETAILS", "")
ID, SHARED = 1, (2, 5, 6)  # the columns that can be cut


def screenful(table: WatchTable, now: datetime, width: int, height: int) -> RenderableType:
    """The table as a screen of this size shows it."""
    room = max(height - FRAME, 1)
    rows = table.shown[: min(room, table.limit or room)]
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    is_wide = width >= WIDE
    marks = [table.marks.get(each.instance_id, ChangeMark.SAME) for each in rows]
    lines = [
        [*_cells(each, mark, now), *_waiting_cells(table, each, now, is_wide=is_wide)]
        for each, mark in zip(rows, marks, strict=True)
    ]
    columns = COLUMNS if is_wide else COLUMNS[:-1]
    needs = [
        max(map(len, (name, *cells)))
        for name, *cells in zip(columns, *(map(str, line) for line in lines), strict=True)
    ]
    for column, wide in zip(columns, fitting(needs, width - GAP * len(columns)), strict=True):
        grid.add_column(column, width=wide, no_wrap=True, overflow="ellipsis")
    for line, mark in zip(lines, marks, strict=True):
        grid.add_row(*line, style="bold" if mark is not ChangeMark.SAME else "")
    title = Text(safe_line(table.title), style="bold", no_wrap=True, overflow="ellipsis")
    padding = [Text("")] * (room - len(rows))
    return Group(
        title,
        grid,
        *padding,
        Text(""),
        Text(_foot(table, len(rows), now), style="dim", no_wrap=True, overflow="ellipsis"),
    )


def fitting(needs: Sequence[int], room: int) -> list[int]:
    """The widths of the columns of a table: what they need where there is room; else the wide ones
    share what the others leave, and an id has two fifths of it.
    """
    widths, left = list(needs), max(room, len(needs))
    short = [number for number in range(len(needs)) if number not in (ID, *SHARED)]
    left -= sum(needs[number] for number in short)
    if sum(needs[number] for number in (ID, *SHARED) if number < len(needs)) <= left:
        return widths
    widths[ID] = max(min(needs[ID], left * 2 // 5), 1)
    left -= widths[ID]
    waiting = sorted((number for number in SHARED if number < len(needs)), key=lambda n: needs[n])
    for place, number in enumerate(waiting):
        widths[number] = max(min(needs[number], left // (len(waiting) - place)), 1)
        left -= widths[number]
    return widths


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
