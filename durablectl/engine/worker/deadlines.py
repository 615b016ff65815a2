"""Which activities run, and until when they may; knows no thread and no loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from durablectl.engine.store.work_items import ActivityItem


class _Running(NamedTuple):
    item: ActivityItem
    until: float
    give_up: Callable[[], object]


class Deadlines:
    """The activities that run now, each with what gives it up.

    Without `seconds` none has a deadline, and nothing is kept.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        # in the order of their deadlines: they all have the same time
        self._running: dict[int, _Running] = {}

    def begin(self, item: ActivityItem, give_up: Callable[[], object]) -> None:
        if self.seconds is not None:
            self._running[id(item)] = _Running(item, time.monotonic() + self.seconds, give_up)

    def end(self, item: ActivityItem) -> bool:
        """Whether the outcome of `item` counts: not once it has been given up."""
        return self.seconds is None or self._running.pop(id(item), None) is not None

    def give_up_late(self) -> list[ActivityItem]:
        """Give up what has run for too long; those activities.

        Each is either given up or ended, whatever comes first.
        """
        late: list[ActivityItem] = []
        now = time.monotonic()
        for key, running in list(self._running.items()):
            if running.until > now:
                break
            if self._running.pop(key, None) is not None:
                running.give_up()
                late.append(running.item)
        return late
