"""A clock that can be moved on, for a worker that does not wait for timers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class SkippingClock:
    """Goes as `now` does, ahead of it by all that was skipped.

    For any thread; one of them skips.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._now() + self._ahead

    def skip_to(self, moment: datetime) -> None:
        """Be at `moment`, or stay when it is past."""
        self._ahead = max(self._ahead, moment - self._now())
