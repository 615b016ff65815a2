"""SQLite connections as the store uses them, SQLite's errors as those of a hub, and a lock that
lasts as long as the process that holds it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from durablectl.errors import HubBusy, HubUnusable


def prepared(connection: sqlite3.Connection, *statements: str) -> sqlite3.Connection:
    """The connection once these have run on it; closed when one of them fails."""
    try:
        for statement in statements:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The border to sqlite3: its errors become HubUnusable, or HubBusy, unless `check` raises."""
    try:
        yield
    except (sqlite3.Error, UnicodeEncodeError) as error:
        # A file that was taken away is lost, whatever SQLite makes of reading on.
        check()
        raise hub_error(path, error) from error


def hub_error(path: Path, error: sqlite3.Error | UnicodeEncodeError) -> HubUnusable:
    if isinstance(error, UnicodeEncodeError):
        return HubUnusable(
            f"a text for the hub {path} holds a lone surrogate, which it cannot store"
        )
    # The lowest byte is the kind of error; extended codes tell more of it in the others.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HubBusy(
            f"the hub {path} is locked by another process",
            hint="close the program that has it open, then try again",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return HubUnusable(
            f"{path} is not a database",
            hint="check what names the hub: --hub, DURABLECTL_HUB, or `durablectl context show`",
        )
    if code == sqlite3.SQLITE_FULL:
        return HubUnusable(
            f"no room left on the disk of the hub {path}; nothing was lost, and nothing was written"
        )
    if code == sqlite3.SQLITE_READONLY or (code == sqlite3.SQLITE_CANTOPEN and path.exists()):
        return HubUnusable(f"the hub {path} is not writable")
    if code == sqlite3.SQLITE_CANTOPEN:
        return HubUnusable(f"cannot open the hub {path}")
    if code == sqlite3.SQLITE_IOERR:
        hint = (
            "once the disk is well, `durablectl hub check`, then `durablectl hub vacuum`, "
            "which writes all of it again"
        )
        return HubUnusable(
            f"the disk of the hub {path} fails ({error}); what was just asked for "
            "may be done or not",
            hint=hint,
        )
    return HubUnusable(f"the hub {path} cannot be used: {error}")


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
