"""What a worker that ends when nothing is left to do still waits for, said once in a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from durablectl.engine.store.database import Database
from durablectl.engine.store.queries import OutstandingWork, Queries
from durablectl.model import InstanceFilter, utc_now
from durablectl.render.output import Output
from durablectl.render.views import duration_text

LOOK_SECONDS = 1.0
QUIET_SECONDS = 30.0
UNFINISHED = ("Pending", "Running", "Suspended")


class IdleReport:
    """Tells what is outstanding in a hub: once it stays for a moment, and again at most twice a
    minute when it has changed.
    """

    def __init__(
        self, database: Database, out: Output, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queries, self._out, self._clock = Queries(database), out, clock
        self._looked = clock()
        self._told_at = self._looked - QUIET_SECONDS
        self._before, self._told = OutstandingWork(), OutstandingWork()

    def look(self) -> None:
        """Look, when it is time for it, and tell what is new."""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        found, before = self._queries.outstanding(utc_now()), self._before
        self._before = found
        is_news = found == before and found not in (self._told, OutstandingWork())
        if is_news and now - self._told_at >= QUIET_SECONDS:
            self._told, self._told_at = found, now
            self._out.note(f"waiting for {outstanding_text(found, utc_now())}")

    def end(self) -> None:
        """Tell that nothing is left to do, and how many instances are not finished all the same."""
        counted = self._queries.counts(InstanceFilter(), by_name=False)
        unfinished = sum(counted.get(each, 0) for each in UNFINISHED)
        rest = "1 instance is" if unfinished == 1 else f"{unfinished} instances are"
        why = f"; {rest} unfinished, `durablectl why ID` says what for" if unfinished else ""
        self._out.note(f"nothing is left to do{why}")


def outstanding_text(outstanding: OutstandingWork, now: datetime) -> str:
    """`1 activity, 3 timers, the next in 4 h 58 min`."""
    counted = (
        (outstanding.activities, "activity", "activities"),
        (outstanding.timers, "timer", "timers"),
        (outstanding.scheduled, "scheduled start or operation", "scheduled starts and operations"),
    )
    parts = [f"{count:,} {one if count == 1 else many}" for count, one, many in counted if count]
    if outstanding.next_due is not None:
        seconds = (outstanding.next_due - now).total_seconds()
        parts.append(f"the next in {duration_text(seconds)}")
    return ", ".join(parts)
