"""A local hub, its worker, the app's functions and the HTTP API in one process.

Knows no socket and no console.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from durablectl.backends.local import LocalTaskHub
from durablectl.backends.local_address import CONNECTION, TASK_HUB
from durablectl.engine.registry import Registry
from durablectl.engine.worker.worker import CONCURRENCY, Worker, WorkerCallbacks
from durablectl.errors import DurablectlError, HubLost, HubUnusable
from durablectl.functionapp.host import HostSettings, read_host
from durablectl.model import RuntimeStatus
from durablectl.server.api import Api
from durablectl.server.app import RPC_PATH, Answered, App
from durablectl.server.async_hub import Gate
from durablectl.server.auth import Access
from durablectl.server.page_app import Page
from durablectl.server.page_door import Door
from durablectl.server.place import PATH, Place
from durablectl.server.rpc.clients import Rpc
from durablectl.server.starters import AppFunctions, Surroundings

STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Telling(WorkerCallbacks):
    """Where words go: those of the worker, the log of answered requests, and what the people who
    run the server should hear.
    """

    log: Callable[[Answered], None] = lambda _answered: None
    on_error: Callable[[Exception], None] = lambda _error: None
    on_http_failure: Callable[[str, BaseException], None] = lambda _function, _error: None


class Hosting:
    """What `serve` runs. `origin` is where this process itself reaches it."""

    def __init__(
        self,
        path: Path,
        registry: Registry,
        *,
        origin: str,
        key: str | None = None,
        concurrency: int = CONCURRENCY,
        skips_timers: bool = False,
        telling: Telling | None = None,
    ) -> None:
        self._telling = telling or Telling()
        self._registry, self._concurrency, self._skips_timers = registry, concurrency, skips_timers
        self._hub = LocalTaskHub(path, create=True)
        # a write: it takes an older file to this version, which gives it the name that `Place`
        # needs
        with self._hub.group():
            pass
        self._lock = threading.Lock()
        self._error: DurablectlError | None = None
        self._origin, self._settings = origin, host_settings(registry)
        self._worker = self._new_worker(registry)
        self.gate = Gate(self._hub, lambda: self._worker.wake())
        self.place = self._place(registry, key)
        self._rpc = Rpc(self._hub, self.place, lambda: self._worker.wake(), self._telling.on_error)
        token = secrets.token_urlsafe(24) if key else ""
        self._around = Surroundings(
            self.gate,
            self.place,
            Access(key),
            "/".join(filter(None, [origin + RPC_PATH, token])) + "/",
            self._telling.on_http_failure,
            self._rpc,
        )
        self.route_prefix = self._settings.route_prefix
        self.functions = AppFunctions(registry, self.route_prefix, self._around)
        self._rpc.provide(registry, origin)
        self.app = App(
            Api(self.gate, self.place, lambda: self._registry.entities.names),
            self._around.access,
            starters=self.functions,
            rpc_token=token,
            log=self._telling.log,
            on_error=self._telling.on_error,
        )

    @property
    def registry(self) -> Registry:
        """The app that is run now."""
        return self._registry

    @property
    def error(self) -> DurablectlError | None:
        """What ended the work, if anything did."""
        return self._error or self._worker.error

    def start(self) -> None:
        self._worker.start()

    def show(self, page: Page, port: int) -> None:
        """Have the page of this hub, behind a door where clients need a key: the browser never gets
        it.
        """
        door = Door(port, is_one_time=True) if self.place.key is not None else None
        place = replace(self.place, key=None)
        self.app.show(page, door, Api(self.gate, place, lambda: self._registry.entities.names))

    def replace(self, registry: Registry) -> None:
        """Switch to another version of the app.

        What is under way continues; instances are replayed with the new functions.
        """
        functions = AppFunctions(registry, self.route_prefix, self._around)
        self._rpc.provide(registry, self._origin)
        with self._lock:
            self._worker.stop(STOP_SECONDS)
            self.functions, before = functions, self.functions
            self.app.starters = functions
            self._registry = registry
            self._worker = self._new_worker(registry)
            try:
                self._worker.start()
            except HubUnusable as error:
                self._error = error
                self._telling.on_end()
                raise
        before.close()

    def counts(self) -> dict[RuntimeStatus, int]:
        return {RuntimeStatus(state): count for state, count in self._hub.counts().items()}

    def stop_waiting(self) -> None:
        """Let every wait of a client end now."""
        self.gate.stop_waiting()
        self._rpc.close()

    def listen(self, port: int) -> str:
        """Serve clients of the Durable Task protocol on a port of this machine too; the address."""
        return self._rpc.listen(port)

    def close(self) -> None:
        with self._lock:
            self._worker.stop(STOP_SECONDS)
        self._rpc.close()
        self.functions.close()
        self.gate.close()
        try:
            self._hub.database.check_file()
        except HubLost as error:
            self._error = error
        self._hub.close()

    def _place(self, registry: Registry, key: str | None) -> Place:
        return Place(
            self._settings.hub_name or TASK_HUB,
            CONNECTION,
            key,
            registry.default_version or None,
            self._settings.overrides_any,
            file_connection=self._hub.connection,
        )

    def _new_worker(self, registry: Registry) -> Worker:
        return Worker(
            self._hub.database,
            registry,
            concurrency=self._concurrency,
            fails_unknown=True,
            skips_timers=self._skips_timers,
            about={
                "served": {
                    "base": self._origin + PATH,
                    "task_hub": self._settings.hub_name or TASK_HUB,
                }
            },
            callbacks=self._telling,
        )


def host_settings(registry: Registry) -> HostSettings:
    """The settings of the app's host.json; the defaults where it is missing or says nothing that
    can be used.
    """
    app = Path(registry.app)
    return read_host(app if app.is_dir() else app.parent, os.environ)
