"""A lock that lasts as long as the process that holds it, on every system that SQLite knows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from durablectl.engine.store.connections import prepared, translated


class LiveLock:
    """A lock file held for as long as its process lives: an SQLite file with an exclusive
    transaction, which the system ends with it.

    Works on every system that SQLite knows, and needs no dependency.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(path):
            connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection = prepared(
                connection, "PRAGMA journal_mode = MEMORY", "BEGIN EXCLUSIVE"
            )

    def release(self) -> None:
        self._connection.close()
        self.path.unlink(missing_ok=True)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether a live process holds the lock; a missing file is not held."""
        if not path.exists():
            return False
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        finally:
            connection.close()
        return False
