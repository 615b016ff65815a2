"""The worker of a command that waits: it works for the awaited instances while no other worker
does.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from durablectl.engine.registry import Registry
from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import workers
from durablectl.engine.store.queries import InstanceRow
from durablectl.engine.worker.worker import NO_CALLBACKS, Worker, WorkerCallbacks
from durablectl.errors import AppError, DurablectlError, HubLost
from durablectl.model import utc_now
from durablectl.polling.threads import start_thread

STANDBY_SECONDS = 0.5


class CannotWork(AppError):
    """This process is not one that runs the instances: a worker has to."""


@contextmanager
def embedded_worker(
    path: Path,
    load: Callable[[], Registry],
    instance_ids: Sequence[str],
    *,
    skips_timers: bool = False,
    callbacks: WorkerCallbacks = NO_CALLBACKS,
) -> Iterator[None]:
    """While inside, the awaited instances and what they call are worked on: by a live worker of the
    hub, else by this process.

    A worker that dies meanwhile is replaced. When no worker is running on the hub, `load` may raise
    `AppError`, and an app without the instances' orchestrators is `CannotWork`. What stops the
    work, a full disk for one, is raised in the main thread. With `skips_timers` this process waits
    for no timer (see `Worker`); where another worker does the work, timers are waited for as ever,
    and `warn` hears of it. The other `callbacks` hear of this process's work only.
    """
    database = Database(path)
    callbacks = replace(callbacks, on_end=_thread.interrupt_main)
    standby = _Standby(database, load, instance_ids, callbacks, skips_timers=skips_timers)
    try:
        with closing(database), standby:
            yield
    except KeyboardInterrupt:  # the worker's, perhaps while this was about to end already
        if standby.error is not None:
            raise standby.error from None
        raise


class _Standby:
    """Starts a worker once no other one takes on every instance of the hub."""

    def __init__(
        self,
        database: Database,
        load: Callable[[], Registry],
        instance_ids: Sequence[str],
        callbacks: WorkerCallbacks,
        *,
        skips_timers: bool,
    ) -> None:
        self._database, self._load, self._ids = database, load, instance_ids
        self._callbacks, self._skips_timers = callbacks, skips_timers
        self._worker: Worker | None = None
        self._lost: HubLost | None = None
        self._done = threading.Event()

    @property
    def error(self) -> DurablectlError | None:
        return self._lost or (self._worker.error if self._worker is not None else None)

    def __enter__(self) -> _Standby:
        unfinished = [
            row
            for row in map(Store(self._database).find, self._ids)
            if row is not None and not row.status.is_final
        ]
        if unfinished:
            if self._is_needed():
                self._begin(unfinished)
            else:
                if self._skips_timers:
                    self._callbacks.warn(
                        "another worker does the work of this hub; it waits for timers"
                    )
                start_thread(self._stand_by, unfinished, name="standby")
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._worker is not None:
            self._worker.stop()

    def _is_needed(self) -> bool:
        return not any(
            worker.is_live and worker.is_for_all for worker in workers(self._database, utc_now())
        )

    def _begin(self, rows: Sequence[InstanceRow]) -> None:
        registry = self._load()
        for row in rows:
            if registry.orchestrators.get(row.name) is None and not row.instance_id.startswith("@"):
                raise CannotWork(
                    f"{registry.app} has no orchestrator '{row.name}', which instance "
                    f"'{row.instance_id}' needs",
                    hint="name the app that has it with --app PATH, or run "
                    "`durablectl worker` beside it",
                )
        roots = tuple(row.key if row.root is None else row.root for row in rows)
        self._worker = Worker(
            self._database,
            registry,
            roots=roots,
            is_persistent=False,
            skips_timers=self._skips_timers,
            callbacks=self._callbacks,
        )
        self._worker.start()

    def _stand_by(self, rows: Sequence[InstanceRow]) -> None:
        while not self._done.wait(STANDBY_SECONDS):
            try:
                if self._is_needed():
                    self._begin(rows)
                    return
            except HubLost as error:
                self._lost = error
                _thread.interrupt_main()
                return
            except DurablectlError as error:
                if not self._done.is_set():
                    self._callbacks.warn(
                        "no worker is running on this hub any more, and this command cannot be "
                        "one: "
                        f"{error.message}"
                    )
                return
