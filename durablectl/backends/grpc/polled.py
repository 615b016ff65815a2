"""Which instance a thread polls, so that a pause between two polls can end with the instance."""

from __future__ import annotations

import threading

from durablectl.model import InstanceStatus


class Polled(threading.local):
    """What a thread has polled since its last pause: one unfinished instance, or several."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.ended: str | None = None
        """The last instance that the server said had ended."""

    def add(self, status: InstanceStatus) -> None:
        # a server whose two answers disagree is not asked to wait twice in a row
        is_stale, self.ended = status.instance_id == self.ended, None
        if len(self._ids) < 2 and not status.is_final and not is_stale:
            self._ids.add(status.instance_id)

    def take(self) -> str | None:
        """The instance, if it was one alone."""
        ids, self._ids = self._ids, set()
        return next(iter(ids)) if len(ids) == 1 else None
