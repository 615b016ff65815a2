"""How far a batch is: a bar with rate and remaining time on a terminal, else a line now and then.

Knows no hub.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from durablectl.render.output import Output
from durablectl.render.views import duration_text

FIRST_GAP = 10.0
GAPS = 4.0  # a line at most every quarter of the time that has passed
LONGEST_GAP = 60.0


class Progress(Protocol):
    """What is told how many are over, and how many of them failed."""

    def __call__(self, over: int, failed: int, /) -> None: ...


@contextmanager
def batch_display(
    out: Output,
    title: str,
    total: int | None,
    *,
    alone: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """While inside, what the returned function is told is shown on stderr; not with -q, nor where
    rows on the screen tell it (`alone`).

    `total` is None when it is not known.
    """
    if out.quiet or alone:
        yield lambda _over, _failed: None
    elif out.wants_progress:
        with out.live.bar(title, total) as progress:
            yield progress
    else:
        yield _Lines(out, title, total, clock)


class _Lines:
    def __init__(
        self, out: Output, title: str, total: int | None, clock: Callable[[], float]
    ) -> None:
        self._out, self._title, self._total, self._clock = out, title, total, clock
        self._started = self._told = clock()

    def __call__(self, over: int, failed: int, /) -> None:
        now = self._clock()
        if now - self._told < min(max(FIRST_GAP, (now - self._started) / GAPS), LONGEST_GAP):
            return
        self._told = now
        rate = over / (now - self._started)
        of = f" of {self._total}" if self._total is not None else ""
        left = (
            f", about {duration_text((self._total - over) / rate)} left"
            if self._total is not None and rate
            else ""
        )
        self._out.progress(
            f"{self._title}: {over}{of}{f', {failed} failed' if failed else ''}, {rate:.0f}/s{left}"
        )


@contextmanager
def drain_display(
    out: Output, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """While inside, the returned function's numbers (gone, left) are shown on stderr; not with
    -q."""
    if out.quiet:
        yield lambda _gone, _left: None
    elif out.wants_progress:
        with out.live.spinner("looking") as show:
            yield lambda gone, left: show(f"{left} in flight, {gone} gone")
    else:
        yield _DrainLines(out, clock)


class _DrainLines:
    """One line for the first look, then one when the number has changed, less and less often, and a
    heartbeat.
    """

    def __init__(self, out: Output, clock: Callable[[], float]) -> None:
        self._out, self._clock = out, clock
        self._started = clock()
        self._told: float | None = None
        self._shown = -1

    def __call__(self, gone: int, left: int, /) -> None:
        now = self._clock()
        silence = math.inf if self._told is None else now - self._told
        gap = min(max(FIRST_GAP, (now - self._started) / GAPS), LONGEST_GAP)
        if silence < gap or (left == self._shown and silence < LONGEST_GAP):
            return
        self._told, self._shown = now, left
        self._out.progress(f"{left} in flight, {gone} gone [{duration_text(now - self._started)}]")
