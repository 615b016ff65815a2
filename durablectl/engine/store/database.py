"""The SQLite file of a local hub: connections, transactions, its version.

Only this module and `connections.py` know sqlite3.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from durablectl.engine.store.connections import LiveLock, hub_error, prepared, translated
from durablectl.engine.store.notifier import notifier_of
from durablectl.engine.store.open_file import OpenFile
from durablectl.errors import HubUnusable, reason_of
from durablectl.packaged import packaged_text

APPLICATION_ID = 0x64757262  # "durb"
UPGRADES = (
    "CREATE TABLE hub (id TEXT NOT NULL);\nINSERT INTO hub VALUES (lower(hex(randomblob(8))));",
    "ALTER TABLE activities ADD COLUMN leased_at INTEGER;",
    "ALTER TABLE instances ADD COLUMN tags TEXT;",
)
"""The script at n - 1 takes a file of version n to version n + 1."""
SCHEMA_VERSION = 1 + len(UPGRADES)
BUSY_SECONDS = 10.0
SHORTEST_PAUSE = 0.0003
WAL_PAGES = 4000

Row = tuple[Any, ...]
Connection = sqlite3.Connection


class _Opened(NamedTuple):
    """A thread's connection, and what is held while it reads."""

    thread: threading.Thread
    connection: sqlite3.Connection
    reading: threading.Lock


class Database:
    """A hub file, with one connection a thread.

    Writes are WAL with `synchronous=FULL`: what a committed transaction holds survives a power cut.
    `create` makes the file (and the folder) when it is not there; without it a missing file is
    `HubUnusable`. With `late` a missing file is made by the first write, and reads as an empty hub
    until then. `durable=False` is for hubs that end with a test.
    """

    def __init__(
        self, path: Path, *, create: bool = False, late: bool = False, durable: bool = True
    ) -> None:
        self.path = path
        self._file = OpenFile(path)
        self._durable = durable
        self._threads = threading.local()
        self._opened: list[_Opened] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._is_old = False
        self._is_missing = late and not path.exists()
        if not self._is_missing:
            try:
                self._open_first(create)
            except BaseException:
                self.close()
                raise
        self.notifier = notifier_of(path)

    def _open_first(self, create: bool) -> None:
        if self.path.is_dir():
            raise HubUnusable(f"{self.path} is a folder, not a hub file")
        if not self.path.exists():
            if not create:
                raise HubUnusable(f"there is no hub file {self.path}")
            _make_folder(self.path.parent)
        with translated(self.path, self._file.check):
            connection = self.connection()
            application_id, version = _identity(connection)
            if (
                application_id == 0
                and version == 0
                and not connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            ):
                self._create(connection)
            elif application_id != APPLICATION_ID:
                raise HubUnusable(f"{self.path} is an SQLite database, but not a hub of durablectl")
            elif version > SCHEMA_VERSION:
                raise HubUnusable(
                    f"{self.path} was written by a newer durablectl (schema {version}, this one "
                    f"knows {SCHEMA_VERSION})",
                    hint="pip install --upgrade durablectl",
                )
            self._is_old = 0 < version < SCHEMA_VERSION
            self._file.opened()

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        with _committed(connection):
            if _identity(connection) == (0, 0):  # another process may have been quicker
                for statement in _statements(packaged_text("durablectl.engine", "schema.sql")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        return self._own().connection

    def _own(self) -> _Opened:
        own: _Opened | None = getattr(self._threads, "opened", None)
        if own is None:
            if self._closed.is_set():
                raise self._closed_error()
            self._file.check()  # or this would make a file in the place of one that was deleted
            name = self._file.name
            connection = prepared(
                sqlite3.connect(
                    name,
                    timeout=BUSY_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=256,
                ),
                f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}",
                f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
            )
            own = _Opened(threading.current_thread(), connection, threading.Lock())
            with self._lock:
                if self._closed.is_set():  # meanwhile: nothing would close this one
                    connection.close()
                    raise self._closed_error()
                self._close_left()
                self._opened.append(own)
            self._threads.opened = own
        return own

    def _closed_error(self) -> HubUnusable:
        return HubUnusable(f"the hub {self.path} is closed")

    def _close_left(self) -> None:
        """Close the connections of threads that have ended: a server may have a new thread for each
        request.
        """
        for each in [each for each in self._opened if not each.thread.is_alive()]:
            self._file.forget_log()
            self._opened.remove(each)
            each.connection.close()

    def query(self, sql: str, parameters: Any = ()) -> list[Row]:
        """All rows of a read; no cursor stays open (it would keep the WAL growing)."""
        if self._is_missing and not self._is_made():
            return []
        try:
            own = self._own()
            with own.reading:
                return own.connection.execute(sql, parameters).fetchall()
        # as `translated` does it, for what is asked a thousand times a second
        except (sqlite3.Error, UnicodeEncodeError) as error:
            self._file.check()
            raise hub_error(self.path, error) from error

    def _is_made(self, *, create: bool = False) -> bool:
        """Whether a file that was missing is there by now, or could be made."""
        if create or self.path.exists():
            self._open_first(create)
            self._is_missing = False
        return not self._is_missing

    def one(self, sql: str, parameters: Any = ()) -> Row | None:
        rows = self.query(sql, parameters)
        return rows[0] if rows else None

    def has_column(self, table: str, name: str) -> bool:
        """Whether a column is there: a file of an earlier version gets it with the first write."""
        return bool(self.query("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, name)))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: committed at the end of the block, rolled back when it raises;
        inside a group, a part of the group's.
        """
        if getattr(self._threads, "is_grouped", False):
            with self._part() as connection:
                yield connection
            return
        if self._is_missing:
            self._is_made(create=True)
        # The threads of one process queue up here: SQLite itself makes the second one sleep,
        # longer and longer.
        with self._writing, translated(self.path, self._file.check):
            connection = self.connection()
            if self._is_old:
                self._upgrade(connection)
            _begin(connection)
            with _committed(connection):
                yield connection
        self._file.check()
        # only once it is durable: who is woken reads it at once
        self.notifier.notify()

    def check_file(self) -> None:
        """`HubLost` when the file is not the one that was opened.

        `transaction` does this by itself before it is over.
        """
        self._file.check()

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Take a file of an earlier version to this one, before the first write; a live worker of
        that version would not expect it.
        """
        # another process may have been quicker, and its workers expect it
        is_old = _identity(connection)[1] < SCHEMA_VERSION
        for file, about in (
            connection.execute("SELECT lock_file, about FROM workers").fetchall() if is_old else ()
        ):
            if LiveLock.is_held(self.path.with_name(file)):
                raise HubUnusable(
                    f"the hub {self.path} was made by an earlier durablectl, and its worker "
                    f"(process {_process(about)}) is still running",
                    hint="stop that worker, then try again: the first command that writes "
                    "upgrades the file",
                )
        upgrade(connection, UPGRADES)
        self._is_old = False

    def check_writable(self) -> None:
        """Take the right to write and give it back; `HubUnusable` or `HubBusy` when it is not to be
        had.

        Changes nothing.
        """
        with self._writing, translated(self.path, self._file.check):
            _begin(self.connection())
            self.connection().execute("ROLLBACK")

    @contextmanager
    def group(self) -> Iterator[None]:
        """While inside, the writing transactions of this thread are one, committed at the end; one
        of them that raises is undone alone.
        """
        with self.transaction():
            self._threads.is_grouped = True
            try:
                yield
            finally:
                self._threads.is_grouped = False

    @contextmanager
    def _part(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path, self._file.check):
            connection = self.connection()
            if not connection.in_transaction:
                raise HubUnusable(
                    f"the hub {self.path} gave up a transaction; nothing of it was written"
                )
            # a savepoint, so that one that raises takes back its own part of the group only
            connection.execute("SAVEPOINT part")
            try:
                yield connection
                connection.execute("RELEASE part")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK TO part")
                    connection.execute("RELEASE part")
                raise

    def copy_to(self, target: Path) -> None:
        """Write what the hub holds now into a new file, while others work on the hub;
        `target` appears once it is whole.

        `HubUnusable` when there is something already, or it cannot be written.
        """
        if target.exists():
            raise HubUnusable(f"{target} exists already; nothing was copied")
        part = target.with_name(f".{target.name}.part")
        try:
            part.unlink(missing_ok=True)
            with translated(target), closing(sqlite3.connect(part, isolation_level=None)) as copy:
                self.connection().backup(copy)
                copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            part.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise HubUnusable(f"cannot write {target}: {reason_of(error)}") from error
        finally:
            for end in ("", "-wal", "-shm"):
                part.with_name(part.name + end).unlink(missing_ok=True)

    def compact(self) -> None:
        """Return the space of what was deleted to the system; writers wait meanwhile."""
        with self._writing, translated(self.path, self._file.check):
            self.connection().execute("VACUUM")
            self.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._file.check()

    def data_version(self) -> int:
        """A number that changes when another connection, of any process, has committed."""
        row = self.one("PRAGMA data_version")
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Close the connections of all threads, each when no statement of its thread runs: closing
        it earlier would end the process.

        A transaction that takes longer than BUSY_SECONDS is left to its thread: then none is closed
        here, but each when the last statement that uses it is over.
        """
        with self._lock:
            self._closed.set()
            opened, self._opened = self._opened, []
        if self._writing.acquire(timeout=BUSY_SECONDS):
            try:
                for each in opened:
                    with each.reading:
                        each.connection.close()
            finally:
                self._writing.release()
        self._threads = threading.local()


def _begin(connection: sqlite3.Connection) -> None:
    """Begin to write, waiting for the current writer: SQLite's own wait checks every 100 ms
    only, and may never meet a gap.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    deadline = time.monotonic() + BUSY_SECONDS
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if (
                    error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
                    or time.monotonic() > deadline
                ):
                    raise
                # as good as random
                time.sleep(SHORTEST_PAUSE + time.perf_counter_ns() % 1000 / 1e6)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


@contextmanager
def _committed(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the open transaction at the end of the block; roll it back when the block raises."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself rolls back after some errors, a full disk among them
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def upgrade(connection: sqlite3.Connection, upgrades: Sequence[str]) -> None:
    """Take a hub file of an older version to that after the last of `upgrades`, in one
    transaction."""
    connection.execute("BEGIN IMMEDIATE")
    with _committed(connection):
        _, version = _identity(connection)  # another process may have been quicker
        for script in upgrades[version - 1 :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {1 + len(upgrades)}")


def _process(about: str) -> str:
    try:
        return str(json.loads(about)["process"])
    except (ValueError, LookupError, TypeError):
        return "?"


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    return connection.execute("PRAGMA application_id").fetchone()[0], connection.execute(
        "PRAGMA user_version"
    ).fetchone()[0]


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit the transaction."""
    text = ""
    for line in script.splitlines():
        if not line.lstrip().startswith("--"):
            text += line + "\n"
        if sqlite3.complete_statement(text):
            yield text
            text = ""


def _make_folder(folder: Path) -> None:
    """Make the hub's folder, so that a power cut leaves it.

    `.durablectl` is its owner's alone, and ignores itself in git.
    """
    is_own = folder.name == ".durablectl"
    try:
        made = [each for each in folder.parents if not each.exists()]
        folder.mkdir(mode=0o700 if is_own else 0o777, parents=True, exist_ok=True)
        for each in (folder, *made):
            _sync_folder(each.parent)
        if is_own and not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise HubUnusable(f"cannot make the hub's folder {folder}: {reason_of(error)}") from error


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system has a way to."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
