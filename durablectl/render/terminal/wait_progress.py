"""What a wait says on stderr: a live display on a terminal, else one line a change and a heartbeat.

Knows no hub.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.output import Output
from durablectl.render.progress import MANY, progress_of
from durablectl.render.sanitize import safe_line
from durablectl.render.views import duration_text

HEARTBEAT = 60.0
QUIET_AT_FIRST = 1.0  # what is over at once is told by its outcome
SHORTEST_GAP = 5.0
# a line at most every quarter of the time that has passed: half an hour stays under sixty lines
GAPS = 4.0
# N changes of state are told at once, later ones when a line is due: some instances do
# nothing but change
PROMPT_CHANGES = 8
TROUBLE_GAP = 600.0  # a hub that comes and goes is told of so often


class Watcher(Protocol):
    """What is told of every status that was read."""

    def __call__(self, status: InstanceStatus, /) -> None: ...


@contextmanager
def waiting_display(
    out: Output, instance_ids: Sequence[str], clock: Callable[[], float] = time.monotonic
) -> Iterator[Watcher]:
    """While inside, the statuses that the watcher is given are shown on stderr; not with -q."""
    if out.quiet:
        yield lambda _status: None
    elif out.wants_progress:
        with out.live.waiting(instance_ids) as watcher:
            yield watcher
    else:
        yield Lines(out, len(instance_ids), clock)


class Lines:
    """One line for each of the first changes of state, fewer for the rest and for progress; a
    heartbeat when nothing changes.
    """

    def __init__(self, out: Output, expected: int, clock: Callable[[], float]) -> None:
        self._out, self._expected, self._clock = out, expected, clock
        self._started = self._told_at = clock()
        self._states: dict[str, RuntimeStatus] = {}
        self._shown: dict[str, str] = {}
        self._prompt = PROMPT_CHANGES
        self._round: set[str] = set()

    def __call__(self, status: InstanceStatus) -> None:
        if self._clock() - self._started < QUIET_AT_FIRST:
            return
        if self._expected > MANY:
            self._count(status)
            return
        changed = self._states.get(status.instance_id) is not status.runtime_status
        self._states[status.instance_id] = status.runtime_status
        self._tell(status, changed)

    def _tell(self, status: InstanceStatus, changed: bool) -> None:
        line = _line(status)
        prompt = changed and (self._prompt > 0 or (status.is_final and self._expected == 1))
        self._prompt -= prompt
        news = prompt or (
            self._shown.get(status.instance_id) != line and self._silence() >= self._gap()
        )
        if news or self._silence() >= HEARTBEAT:
            self._shown[status.instance_id] = line
            self._say(line if news else f"{line} (unchanged)")

    def _count(self, status: InstanceStatus) -> None:
        """Take one of many into account; a sum is told when a round is over, that is when an id
        comes again, and at the end.
        """
        if status.instance_id in self._round:
            self._round.clear()
            self._sum_up(is_last=False)
        self._round.add(status.instance_id)
        self._states[status.instance_id] = status.runtime_status
        if len(self._states) == self._expected and all(
            state.is_final for state in self._states.values()
        ):
            self._sum_up(is_last=True)

    def _sum_up(self, *, is_last: bool) -> None:
        counted = Counter(state.value for state in self._states.values())
        line = f"{self._expected} instances: " + ", ".join(
            f"{count} {state}" for state, count in counted.most_common()
        )
        news = self._shown.get("") != line
        if (
            is_last
            or (news and (not self._shown or self._silence() >= self._gap()))
            or self._silence() >= HEARTBEAT
        ):
            self._shown[""] = line
            self._say(line if news else f"{line} (unchanged)")

    def _silence(self) -> float:
        return self._clock() - self._told_at

    def _gap(self) -> float:
        return max(SHORTEST_GAP, (self._clock() - self._started) / GAPS)

    def _say(self, line: str) -> None:
        self._told_at = self._clock()
        self._out.progress(f"{line} [{duration_text(self._told_at - self._started)}]")


class Troubles:
    """Tells that a hub does not answer, once, and that it does again."""

    def __init__(self, out: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._told_at = -math.inf
        self._is_told = False

    def failed(self, message: str) -> None:
        """Take a failed poll into account."""
        if not self._is_told and self._clock() - self._told_at >= TROUBLE_GAP:
            self._is_told, self._told_at = True, self._clock()
            self._out.warn(f"{message}; still waiting")

    def answered(self) -> None:
        """Take an answer into account."""
        if self._is_told:
            self._is_told = False
            self._out.progress("the hub answers again")


def _line(status: InstanceStatus) -> str:
    percent, message = progress_of(status.custom_status)
    parts = [f"{safe_line(status.instance_id)}: {status.runtime_status.value}"]
    if not status.is_final:
        parts += [f"{percent:.0f} %"] if percent is not None else []
        parts += [message] if message else []
    return ", ".join(parts)
