"""Whether the files of a hub are still those that were opened: they may be deleted, moved or
replaced meanwhile.

Reads no content.

The files are only asked for by name. To open and close one here would give up the locks that SQLite
holds on it in this process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from durablectl.errors import HubLost

Identity = tuple[int, int]


class OpenFile:
    """A hub file and its write-ahead log: `opened` is called when the file is open, `check` before
    what was written is acknowledged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = os.path.abspath(path)  # noqa: PTH100 - an app may change the working directory; symbolic links stay
        self._log_name = f"{self.name}-wal"
        self._file: Identity | None = None
        self._log: Identity | None = None

    def opened(self) -> None:
        """Remember the files that are there now."""
        self._file, self._log = _identity(self.name), _identity(self._log_name)

    def forget_log(self) -> None:
        """Expect another log: SQLite removes it with the last connection."""
        self._log = None

    def check(self) -> None:
        """`HubLost` when other files, or none, have the names of those that are open: what is
        written now goes to files without a name.
        """
        if self._file is None:
            return
        with suppress(OSError):  # where the system does not tell, nothing is known
            if _identity(self.name) != self._file:
                raise lost(self._path)
            known, now = self._log, _identity(self._log_name)
            if known is None:
                self._log = now
            elif now != known and self._log == known:  # else it was forgotten meanwhile
                raise lost(Path(f"{self._path}-wal"))


def _identity(name: str) -> Identity | None:
    """Which file has a name, the same for as long as it is open; None when none has."""
    try:
        status = os.stat(name)  # noqa: PTH116 - of a text it takes a third of the time
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def lost(path: Path) -> HubLost:
    return HubLost(
        f"the hub's file {path} was deleted, moved or replaced while it was in use; what was "
        "written since then is not in it",
        hint="stop every process that uses the hub, put the right file in place, then start again",
    )
