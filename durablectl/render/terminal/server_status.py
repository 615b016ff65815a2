"""What `serve` says: its greeting, and on a terminal a calm line that lives.

Knows no hub and no server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from durablectl.model import RuntimeStatus
from durablectl.polling.threads import start_thread
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line

REFRESH_SECONDS = 0.5
PATIENCE = 20.0  # a count may take at most a twentieth of the time


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a server has done so far: answered requests, and how many instances are in which
    state."""

    requests: int
    counts: Mapping[RuntimeStatus, int]

    @property
    def ended(self) -> int:
        return sum(count for status, count in self.counts.items() if status.is_final)


def summary(now: Pulse, before: Pulse, seconds: float) -> str:
    """One line: instances by state, and what happened in the last `seconds`."""
    states = ", ".join(
        f"{now.counts[status]:,} {status.value}"
        for status in RuntimeStatus
        if now.counts.get(status)
    )
    requests = (now.requests - before.requests) / seconds
    ended = max(now.ended - before.ended, 0) / seconds
    return f"{states or 'no instances yet'} · {requests:,.0f} requests/s · {ended:,.0f} ended/s"


def greeting(
    hub: str,
    address: str,
    functions: Mapping[tuple[str, str], int],
    routes: Sequence[tuple[str, str]],
) -> Iterator[str]:
    """What is served: the hub, the functions by kind (its names for one and for many), where the
    HTTP functions answer.
    """
    yield f"task hub '{safe_line(hub)}' at {address}"
    counted = [f"{n} {one if n == 1 else many}" for (one, many), n in functions.items() if n]
    yield ", ".join(counted) or "no functions"
    width = max((len(methods) for methods, _ in routes), default=0)
    yield from (f"  {methods:{width}}  {safe_line(route)}" for methods, route in routes)


@contextmanager
def living(out: Output, look: Callable[[], Pulse]) -> Iterator[None]:
    """While inside, the summary is shown on a terminal and kept up to date; elsewhere nothing
    is."""
    if not out.wants_progress:
        yield
        return
    stopped = threading.Event()
    with out.live.line() as show:
        thread = start_thread(_keep_showing, look, show, stopped, name="summary")
        try:
            yield
        finally:
            stopped.set()
            thread.join(1.0)


def _keep_showing(
    look: Callable[[], Pulse], show: Callable[[str], None], stopped: threading.Event
) -> None:
    before, at, pause = look(), time.monotonic(), REFRESH_SECONDS
    while not stopped.wait(pause):
        asked = time.monotonic()
        now = look()
        moment = time.monotonic()
        show(summary(now, before, max(moment - at, 0.001)))
        before, at, pause = now, moment, max(REFRESH_SECONDS, (moment - asked) * PATIENCE)
