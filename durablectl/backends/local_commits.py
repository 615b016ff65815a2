"""Waits until somebody has committed to the file of a local hub."""

from __future__ import annotations

import threading
import time

from durablectl.engine.store.database import Database

FIRST_PAUSE, LAST_PAUSE = 0.0005, 0.01


class Commits:
    """The commits of all processes to one file, as each thread has seen them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # counted by connection, and each thread has its own
        self._seen = threading.local()

    def wait(self, seconds: float) -> None:
        """Sleep until there is one that this thread has not seen, at most `seconds`.

        `HubLost` when the file is not there any more, as none will come.
        """
        self._database.check_file()
        end, delay, notifier = time.monotonic() + seconds, FIRST_PAUSE, self._database.notifier
        while True:
            rung = notifier.count
            version = self._database.data_version()
            if version != getattr(self._seen, "version", None):
                self._seen.version = version
                return
            if (left := end - time.monotonic()) <= 0:
                return
            notifier.wait(rung, min(delay, left))
            delay = min(delay * 1.2, LAST_PAUSE)
