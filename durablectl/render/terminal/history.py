"""A timeline on stdout: as a table, as bars, or line by line while it grows. Asks no hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from durablectl.history.steps import State, Step
from durablectl.model import InstanceStatus
from durablectl.render.gantt import bars, cells, fitted, row, ruler, span_text
from durablectl.render.hints import hanging
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_details
from durablectl.render.views import Details, Rows, time_text

STYLES = {State.DONE: "green", State.FAILED: "bold red", State.OPEN: "cyan", State.DROPPED: "dim"}
# of the rows that come while it is followed, whose times have two units at most; the names may take
# more of a line that has room
WIDTHS = (4, len("+23 h 59 min"), len("23 h 59 min …"))
NAME = 30
INDENT = " " * (WIDTHS[0] + 2)


def head(status: InstanceStatus, now: datetime, waiting: Rows = ()) -> Details:
    """What a timeline is of, and what that is `waiting` for."""
    end = status.last_updated_time if status.is_final else now
    begun = status.history[0].timestamp if status.history else None
    if status.is_final and status.history and status.history[-1].timestamp is not None:
        end = status.history[-1].timestamp  # to the microsecond, where the status has seconds only
    took = span_text((end - (begun or status.created_time)).total_seconds())
    rows = [
        ("id", status.instance_id),
        ("name", status.name),
        ("status", status.runtime_status.value),
        ("created", time_text(status.created_time)),
        ("took" if status.is_final else "elapsed", took),
    ]
    if (cause := status.cause) is not None:
        rows += [row for row in (("cause", cause.line), ("at", cause.place)) if row[1]]
    return Details((*rows, *waiting), status.runtime_status)


def show_head(out: Output, status: InstanceStatus, now: datetime, waiting: Rows = ()) -> None:
    """Print a few lines about the instance, and a blank one."""
    show_details(out, head(status, now, waiting))
    out.data("")


def show_gantt(out: Output, found: Sequence[Step], now: datetime) -> None:
    """Print the steps as bars, scaled to the width; in ASCII where stdout is not a terminal, or one
    that is not UTF-8.
    """
    ascii_only = not (out.is_rich and out.is_unicode)
    lines = list(bars(found, now, out.width, ascii_only=ascii_only))
    if not lines:
        return
    out.data(ruler(found, now, out.width))
    if not out.is_rich:
        out.lines(line.text() for line in lines)
        return
    with out.drawing() as terminal:
        for line in lines:
            label, took = f"{line.label} {line.before}", f" {line.took}"
            terminal.styled([(label, ""), (line.bar, STYLES[line.state]), (took, "dim")])


def show_rows(out: Output, found: Iterable[Step], origin: datetime, now: datetime) -> None:
    """Print steps as lines whose columns stay where they are when more come."""
    for step in found:
        shown = [safe_line(cell) for cell in row(step, origin, now)]
        if out.is_rich:
            out.lines(hanging(_aligned(shown, out.width), out.width, INDENT))
        else:
            out.lines(["\t".join(shown)])


def _aligned(shown: Sequence[str], width: int) -> str:
    """A row on one line where it fits there: then nothing of it is cut."""
    *times, name, result = shown
    begin = "  ".join(map(fitted, times, WIDTHS))
    least = min(NAME, width // 3)
    room = width - cells("  ".join([begin, "", result]))
    return "  ".join([begin, fitted(name, max(min(cells(name), room), least)), result]).rstrip()
