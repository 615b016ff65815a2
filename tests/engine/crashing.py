"""A dispatcher that crashes at a commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from durablectl.engine.store.database import Connection, Database
from durablectl.engine.worker.activity_pool import ActivityPool
from durablectl.engine.worker.dispatcher import Dispatcher
from tests.engine.dispatching import Dispatching


class Crash(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


class CrashingDatabase(Database):
    """Crashes at its nth transaction: before the commit, or just after it."""

    def __init__(self, path: Path, *, at: int, is_after: bool) -> None:
        self.left, self._is_after = at, is_after
        super().__init__(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.left -= 1
        with super().transaction() as connection:
            yield connection
            if self.left == 0 and not self._is_after:
                raise Crash
        if self.left == 0:
            raise Crash


def crash(dispatching: Dispatching, at: int, is_after: bool) -> bool:
    """Turn a dispatcher until it crashes at its nth commit; False when it had less to do.

    Its lock is let go, as the system does it.
    """
    database = CrashingDatabase(dispatching.path, at=at, is_after=is_after)
    pool = ActivityPool(dispatching.app, 2, dispatching.notify, lambda: dispatching.now)
    dispatcher = Dispatcher(database, dispatching.app, pool)
    try:
        dispatcher.open(dispatching.now, {})
        dispatching.process_until_quiet(dispatcher)
    except Crash:
        return True
    finally:
        dispatcher.lease.abandon()
        pool.close()
        database.close()
    return False
