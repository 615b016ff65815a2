"""The long-lived worker of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from durablectl.cli.listening import listening
from durablectl.cli.signals import stop_signals
from durablectl.engine.db import Database
from durablectl.engine.speech import Speech
from durablectl.engine.worker import CONCURRENCY, Worker
from durablectl.render.output import Output

if TYPE_CHECKING:
    from durablectl.engine.processes import ActivityProcesses
    from durablectl.engine.registry import Registry

STOP_SECONDS = 5.0


def run_worker(
    path: Path,
    registry: Registry,
    out: Output,
    speech: Speech,
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
    with stop_signals() as stopping, listening(speech):
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
