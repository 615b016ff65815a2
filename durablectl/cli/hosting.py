"""The long-lived worker of the command line, and where an app's words go while it runs here."""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from durablectl.cli.signals import stop_signals
from durablectl.engine.db import Database
from durablectl.engine.worker import CONCURRENCY, Worker
from durablectl.render.output import Output

if TYPE_CHECKING:
    from durablectl.engine.processes import ActivityProcesses
    from durablectl.engine.registry import Registry

STOP_SECONDS = 5.0


class Talk(io.TextIOBase):
    """Where an app's `print` goes while it runs here: line by line to stderr, never into our data."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._rest = threading.local()

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._rest, "text", "") + text).split("\n")
        self._rest.text = rest
        for line in lines:
            self._out.talk(line)
        return len(text)

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def run_worker(
    path: Path,
    registry: Registry,
    out: Output,
    *,
    concurrency: int = CONCURRENCY,
    processes: ActivityProcesses | None = None,
    until_idle: bool = False,
    skip_timers: bool = False,
) -> None:
    """Work for a hub until SIGINT or SIGTERM, or until nothing is left to do; raises what stopped the worker."""
    database = Database(path, create=True)
    worker = Worker(
        database,
        registry,
        concurrency=concurrency,
        processes=processes,
        is_persistent=not until_idle,
        skips_timers=skip_timers,
        warn=out.warn,
    )
    with stop_signals() as stopping, redirect_stdout(Talk(out)):
        try:
            worker.start()
            out.note("working until nothing is left to do" if until_idle else "working; stop it with Ctrl-C")
            while not stopping.is_set() and worker.is_running:
                if until_idle and worker.wait_until_idle(0.05):
                    break
                stopping.wait(0.05 if until_idle else 0.5)
        finally:
            worker.stop(STOP_SECONDS)
            database.close()
    if worker.error is not None:
        raise worker.error
