"""What a command says on stderr while it lasts: a live display on a terminal, else lines, less and
less often.

Knows no hub.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from durablectl.errors import DurablectlError
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.output import Output
from durablectl.render.progress import MANY, count_text, progress_parts
from durablectl.render.sanitize import safe_line
from durablectl.render.views import duration_text

if TYPE_CHECKING:
    from durablectl.render.terminal.live import LiveDisplays

HEARTBEAT = 60.0
QUIET_AT_FIRST = 1.0  # what is over at once is told by its outcome
SHORTEST_GAP = 5.0
# a line at most every quarter of the time that has passed: half an hour stays under sixty lines
GAPS = 4.0
# N changes of state are told at once, later ones when a line is due: some instances do
# nothing but change
PROMPT_CHANGES = 8
TROUBLE_GAP = 600.0  # a hub that comes and goes is told of so often
Show = TypeVar("Show", bound=Callable[..., None])
Watcher = Callable[[InstanceStatus], None]
"""What is told of every status that was read."""
Progress = Callable[[int, int], None]
"""What is told how many are over, and how many of them failed."""


def waiting_display(
    out: Output, instance_ids: Sequence[str], clock: Callable[[], float] = time.monotonic
) -> AbstractContextManager[Watcher]:
    """While inside, the statuses that the watcher is given are shown; not with -q."""
    lines = WaitLines(out, len(instance_ids), clock)
    return _display(out, lines, lambda live: live.waiting(instance_ids))


def batch_display(
    out: Output, title: str, total: int, *, alone: bool = False
) -> AbstractContextManager[Progress]:
    """While inside, how far a batch is is shown, with its rate and the time that is left; not with
    -q, nor where rows on the screen tell it (`alone`).
    """
    lines = Lines(out)

    def show(over: int, failed: int) -> None:
        if lines.is_due:
            rate = over / lines.elapsed
            left = f", about {duration_text((total - over) / rate)} left" if rate else ""
            errors = f", {failed} failed" if failed else ""
            lines.tell("", f"{title}: {over} of {total}{errors}, {rate:.0f}/s{left}")

    shown = nullcontext[Progress](lambda _over, _failed: None)
    return shown if alone else _display(out, show, lambda live: live.bar(title, total))


def text_display(
    out: Output, first: str, clock: Callable[[], float] = time.monotonic
) -> AbstractContextManager[Callable[[str], None]]:
    """While inside, the text that the returned function was given last is shown, `first` before
    that on a terminal; not with -q.
    """
    lines = Lines(out, clock)

    def show(text: str) -> None:
        lines.tell("", text, at_once=not lines.shown)

    return _display(out, show, lambda live: live.spinner(first))


def _display(
    out: Output, lines: Show, live: Callable[[LiveDisplays], AbstractContextManager[Show]]
) -> AbstractContextManager[Show]:
    if out.wants_progress:
        return live(out.live)
    return nullcontext(lines)


class Lines:
    """Lines about what lasts: what is new when a line is due, and a heartbeat when nothing
    changes.
    """

    def __init__(self, out: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._started = self._told_at = clock()
        self.shown: dict[str, str] = {}

    @property
    def elapsed(self) -> float:
        return self._clock() - self._started

    @property
    def is_due(self) -> bool:
        return self._silence >= min(max(SHORTEST_GAP, self.elapsed / GAPS), HEARTBEAT)

    @property
    def _silence(self) -> float:
        return self._clock() - self._told_at

    def tell(self, key: str, line: str, *, at_once: bool = False) -> None:
        """Take in the line about one thing, and say it if it is time for it."""
        is_new = self.shown.get(key) != line
        if at_once or self._silence >= HEARTBEAT or (is_new and self.is_due):
            self.shown[key], self._told_at = line, self._clock()
            mark = "" if is_new else " (unchanged)"
            self._out.progress(f"{line}{mark} [{duration_text(self.elapsed)}]")


class WaitLines(Lines):
    """One line for each of the first changes of state, fewer for the rest and for progress."""

    def __init__(self, out: Output, expected: int, clock: Callable[[], float]) -> None:
        super().__init__(out, clock)
        self._expected, self._prompt = expected, PROMPT_CHANGES
        self._states: dict[str, RuntimeStatus] = {}
        self._round: set[str] = set()

    def __call__(self, status: InstanceStatus) -> None:
        if self.elapsed < QUIET_AT_FIRST:
            return
        if self._expected > MANY:
            self._count(status)
            return
        changed = self._states.get(status.instance_id) is not status.runtime_status
        self._states[status.instance_id] = status.runtime_status
        prompt = changed and (self._prompt > 0 or (status.is_final and self._expected == 1))
        self._prompt -= prompt
        state = f"{safe_line(status.instance_id)}: {status.runtime_status.value}"
        line = ", ".join([state, *progress_parts(status)])
        self.tell(status.instance_id, line, at_once=prompt)

    def _count(self, status: InstanceStatus) -> None:
        """Take one of many into account; a sum is told when a round is over, that is when an id
        comes again, and at the end.
        """
        if status.instance_id in self._round:
            self._round.clear()
            self._sum_up(at_once=not self.shown)
        self._round.add(status.instance_id)
        self._states[status.instance_id] = status.runtime_status
        if len(self._states) == self._expected and all(
            state.is_final for state in self._states.values()
        ):
            self._sum_up(at_once=True)

    def _sum_up(self, *, at_once: bool) -> None:
        counted = count_text(Counter(self._states.values()))
        self.tell("", f"{self._expected} instances: {counted}", at_once=at_once)


class Troubles:
    """Tells that a hub does not answer, once, and that it does again."""

    def __init__(self, out: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._told_at = -math.inf
        self._is_told = False

    def failed(self, error: DurablectlError) -> None:
        """Take a failed poll into account."""
        if not self._is_told and self._clock() - self._told_at >= TROUBLE_GAP:
            self._is_told, self._told_at = True, self._clock()
            self._out.warn(f"{error.message}; still waiting")

    def answered(self) -> None:
        """Take an answer into account."""
        if self._is_told:
            self._is_told = False
            self._out.progress("the hub answers again")
