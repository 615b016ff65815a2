"""Steps as rows of a table, those of a restart too, and as bars along the time; knows no console,
writes nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from durablectl.history.steps import Kind, State, Step
from durablectl.render.sanitize import safe_line
from durablectl.render.views import Table, duration_text

if TYPE_CHECKING:
    from durablectl.history.restart import RestartPlan

COLUMNS = ("#", "at", "took", "step", "result")
LEAST_BAR, LEAST_NAME = 10, 8
_BARS = {State.DONE: "█", State.FAILED: "▓", State.OPEN: "▒", State.DROPPED: "░"}
_ASCII_BARS = {State.DONE: "#", State.FAILED: "x", State.OPEN: ">", State.DROPPED: "-"}
_WAIT, _ASCII_WAIT = "─", "."
_INSTANT, _ASCII_INSTANT = "│", "|"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a Gantt view: the step's name, cut and padded; what stands before its bar; the
    bar; how long it took.
    """

    label: str
    before: str
    bar: str
    took: str
    state: State

    def text(self) -> str:
        return f"{self.label} {self.before}{self.bar} {self.took}".rstrip()


def span_text(seconds: float) -> str:
    """A duration for people that tells milliseconds apart: `0 ms`, `340 ms`, `3.2 s`, `3 min 5
    s`."""
    return f"{max(round(seconds * 1000), 0)} ms" if seconds < 0.9995 else duration_text(seconds)


def row(step: Step, origin: datetime, now: datetime) -> tuple[str, str, str, str, str]:
    """A step as cells for COLUMNS: its number, when it began after `origin`, how long it took, what
    it was and what came of it.
    """
    number = "" if step.number is None else str(step.number)
    at = f"+{span_text((step.begin - origin).total_seconds())}"
    return number, at, _took(step, now), "  " * step.depth + title(step), _result(step)


def timetable(steps: Sequence[Step], now: datetime) -> Table:
    """The steps, one a line."""
    origin = _origin(steps, now)
    return Table(COLUMNS, (row(step, origin, now) for step in steps))


def plan_table(plan: RestartPlan) -> Table:
    """The steps of the instance as `history` numbers them, each kept with its result or repeated,
    or neither where nothing runs in it.
    """
    groups = (("kept", plan.kept), ("repeated", plan.repeated), ("", plan.notes))
    marked = [(step, mark) for mark, steps in groups for step in steps]
    rows: list[tuple[str, ...]] = []
    for step, mark in sorted(marked, key=lambda each: each[0].number or 0):
        number, _, _, what, result = row(step, step.begin, step.begin)
        rows.append((number, mark, what, result if mark == "kept" else ""))
    return Table(("#", "", "step", "result"), rows)


def plan_text(plan: RestartPlan) -> str:
    """One line: how much is kept, and how much runs again."""
    kept, repeated = len(plan.kept), len(plan.repeated)
    return f"from step {plan.step.number} of {plan.instance_id}: {kept} kept, {repeated} repeated"


def title(step: Step) -> str:
    """A step in a few words."""
    words = {
        Kind.TIMER: "timer",
        Kind.EVENT: f"event {step.name}" if step.end is not None else f"waits for {step.name}",
        Kind.ENTITY: f"entity {step.name}",
        Kind.STARTED: f"{step.name} started",
        Kind.ENDED: step.name.lower(),
    }
    attempts = f" ×{step.attempts}" if step.attempts > 1 else ""
    return words.get(step.kind, step.name) + attempts


@dataclass(frozen=True, slots=True)
class _Scale:
    """How steps are laid out: columns for names and for bars, and the time that the bars' columns
    stand for.
    """

    label: int
    room: int
    origin: datetime
    seconds: float

    def column(self, time: datetime) -> float:
        return (time - self.origin).total_seconds() / self.seconds * self.room


def bars(steps: Sequence[Step], now: datetime, width: int, *, ascii_only: bool) -> Iterator[Bar]:
    """The steps as bars, scaled to `width` columns.

    A step of no length is a mark; a timer or a wait is a thin line.
    """
    shown, scale = _shown(steps), _scale(steps, now, width)
    for step in shown:
        name = "  " * step.depth + safe_line(title(step))
        first = min(int(scale.column(step.begin)), scale.room - 1)
        last = min(max(round(scale.column(step.end or now)), first + 1), scale.room)
        text = fitted(_ascii(name) if ascii_only else name, scale.label, "~" if ascii_only else "…")
        bar = _sign(step, ascii_only) * (last - first) + " " * (scale.room - last)
        took = _took(step, now)
        yield Bar(text, " " * first, bar, _ascii(took) if ascii_only else took, step.state)


def ruler(steps: Sequence[Step], now: datetime, width: int) -> str:
    """The line above the bars: where the time begins, its middle if there is room, and where it
    ends.
    """
    scale = _scale(steps, now, width)
    texts = ["0", span_text(scale.seconds / 2), span_text(scale.seconds)]
    middle = (scale.room - len(texts[1])) // 2
    line = texts[0].ljust(middle) + texts[1] if scale.room >= 3 * len(texts[1]) + 4 else texts[0]
    return " " * (scale.label + 1) + line.ljust(scale.room - len(texts[2])) + texts[2]


def _shown(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.kind not in (Kind.STARTED, Kind.ENDED)]


def _scale(steps: Sequence[Step], now: datetime, width: int) -> _Scale:
    shown = _shown(steps)
    origin, end = _origin(steps, now), max((step.end or now for step in steps), default=now)
    names = ["  " * step.depth + safe_line(title(step)) for step in shown]
    label = max(min(max(map(cells, names), default=0), width // 3), LEAST_NAME)
    tooks = max((len(_took(step, now)) for step in shown), default=0)
    return _Scale(
        label,
        max(width - label - tooks - 2, LEAST_BAR),
        origin,
        max((end - origin).total_seconds(), 0.001),
    )


def fitted(text: str, width: int, mark: str = "…") -> str:
    """The text in exactly N terminal cells: padded, or cut with a mark."""
    if cells(text) > width:
        kept, used = "", 0
        for character in text:
            if (used := used + cells(character)) > width - 1:
                break
            kept += character
        text = kept + mark
    return text + " " * (width - cells(text))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def _sign(step: Step, ascii_only: bool) -> str:
    is_wait = step.kind in (Kind.TIMER, Kind.EVENT) and step.state is not State.FAILED
    if step.end is not None and step.end <= step.begin:
        return _ASCII_INSTANT if ascii_only else _INSTANT
    if is_wait:
        return _ASCII_WAIT if ascii_only else _WAIT
    return (_ASCII_BARS if ascii_only else _BARS)[step.state]


def _ascii(text: str) -> str:
    return text.replace("×", "x").replace("…", "~").encode("ascii", "replace").decode()


def _took(step: Step, now: datetime) -> str:
    if step.kind in (Kind.STARTED, Kind.ENDED) or (step.end is not None and step.end == step.begin):
        return ""
    return span_text(((step.end or now) - step.begin).total_seconds()) + (
        " …" if step.end is None else ""
    )


def _result(step: Step) -> str:
    text = _outcome(step)
    return ": ".join(part for part in (step.child, text) if part)


def _outcome(step: Step) -> str:
    words = {
        State.OPEN: "waiting" if step.kind in (Kind.TIMER, Kind.EVENT, Kind.NOTE) else "running",
        State.DROPPED: "not awaited",
    }
    if step.kind is Kind.ENDED:
        return step.detail
    if step.state is State.FAILED:
        return f"failed: {step.detail}" if step.detail else "failed"
    return step.detail or words.get(step.state, "")


def _origin(steps: Sequence[Step], now: datetime) -> datetime:
    return min((step.begin for step in steps), default=now)
