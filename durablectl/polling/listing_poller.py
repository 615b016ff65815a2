"""Looking at a listing again and again, in a thread of its own: a service that stalls does not
stall who shows it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, Self

from durablectl.errors import DurablectlError
from durablectl.model import InstanceFilter, InstanceStatus
from durablectl.polling.threads import start_thread
from durablectl.taskhub import TaskHub, list_instances

MOST = 5000  # rows of a listing: more than anyone reads, and each poll costs the service as much


class Listing(NamedTuple):
    """What one look showed, or why it showed nothing. `more`: there are more than MOST."""

    found: Sequence[InstanceStatus]
    more: bool = False
    trouble: DurablectlError | None = None


def look(hub: TaskHub, filter: InstanceFilter) -> Listing:
    """Look once."""
    try:
        found = list(islice(list_instances(hub, filter), MOST + 1))
    except DurablectlError as error:
        return Listing((), trouble=error)
    return Listing(found[:MOST], more=len(found) > MOST)


class ListingPoller:
    """Looks every `interval` seconds while inside; `news` gives each look once."""

    def __init__(self, once: Callable[[], Listing], interval: float) -> None:
        self._once, self._interval = once, interval
        self._stopping, self._has_news = threading.Event(), threading.Event()
        self._news: Listing | None = None

    def __enter__(self) -> Self:
        self._thread = start_thread(self._run, name="poller")
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more; one that is under way is left behind."""
        self._stopping.set()
        self._thread.join(0.2)

    def news(self, wait: float = 0.0) -> Listing | None:
        """The last look, unless it was given before; waits at most so long for one."""
        self._has_news.wait(wait)
        self._has_news.clear()
        news, self._news = self._news, None
        return news

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news = self._once()
            self._has_news.set()
            self._stopping.wait(self._interval)
