"""The long-lived worker of the command line."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from durablectl.backends.http.activity import http_activity
from durablectl.cli.arguments.working import Work
from durablectl.cli.local.checks import difference_log, reloading, warn_of_source
from durablectl.cli.local.idle import IdleReport
from durablectl.cli.local.signals import stop_signals
from durablectl.engine.registry import Registry
from durablectl.engine.store.database import Database
from durablectl.engine.worker.activity_processes import ActivityProcesses
from durablectl.engine.worker.app_output import AppOutput
from durablectl.engine.worker.worker import Worker, WorkerCallbacks
from durablectl.library.apps import load_registry
from durablectl.render.app_output import capture_output, failure_log, listening_alone
from durablectl.render.output import Output

STOP_SECONDS = 5.0
DRAIN_SECONDS = 60.0


WORKING = "working; stop it with Ctrl-C"
WORKING_UNTIL_IDLE = "working until nothing is left to do"


def run_worker(
    path: Path, app: Path, registry: Registry, out: Output, app_output: AppOutput, work: Work
) -> None:
    """Work for a hub until SIGINT or SIGTERM, or until nothing is left to do; raises what stopped
    the worker.
    """
    out.notes_with_json()
    database = Database(path, create=True)
    changed: SimpleQueue[Registry] = SimpleQueue()
    if work.reload:
        warn_of_source(out, registry)
    worker = _worker(database, app, registry, out, work)
    with (
        stop_signals(out) as stopping,
        capture_output(app_output),
        reloading(out, app, changed.put) if work.reload else nullcontext(),
    ):
        try:
            worker.start()
            out.note(WORKING_UNTIL_IDLE if work.until_idle else WORKING)
            report = IdleReport(database, out)
            while not stopping.is_set() and worker.is_running:
                if work.until_idle:
                    if worker.wait_until_idle(0.05):
                        break
                    report.look()
                stopping.wait(0.05 if work.until_idle else 0.5)
                if not changed.empty():
                    registry = _complete(_newest(changed), registry)
                    _drain(worker, stopping)
                    worker.stop(STOP_SECONDS)
                    worker = _worker(database, app, registry, out, work)
                    worker.start()
                    out.note("working with the new code")
            if stopping.is_set():
                out.note("stopped; nothing is lost: the next worker continues")
            elif work.until_idle and worker.error is None:
                report.end()
        finally:
            worker.stop(STOP_SECONDS)
            database.close()
    if worker.error is not None:
        raise worker.error


def _worker(database: Database, app: Path, registry: Registry, out: Output, work: Work) -> Worker:
    return Worker(
        database,
        registry,
        concurrency=work.concurrency,
        processes=_processes(work.activity_processes, app),
        is_persistent=not work.until_idle,
        skips_timers=work.skip_timers,
        callbacks=WorkerCallbacks(
            out.warn, failure_log(out), difference_log(out, wanted=work.checks_replay)
        ),
    )


def _processes(count: int | None, app: Path) -> ActivityProcesses | None:
    if not count:
        return None
    return ActivityProcesses(count, partial(load_registry, app), listening_alone)


def _complete(registry: Registry, before: Registry) -> Registry:
    """The new app with the built-in activity; its own get their durable clients where those of the
    old one did.
    """
    registry.activities.add(http_activity())
    text = next((each.text for each in before.client_sources if each.text is not None), None)
    for source in registry.client_sources:
        source.text = text
    return registry


def _newest(changed: SimpleQueue[Registry]) -> Registry:
    registry = changed.get()
    while not changed.empty():
        registry = changed.get()
    return registry


def _drain(worker: Worker, stopping: threading.Event) -> None:
    """Let the activities that run come to their end, for a while: what does not is started again by
    the next worker.
    """
    worker.drain()
    for _ in range(int(DRAIN_SECONDS / 0.05)):
        if worker.is_drained or stopping.wait(0.05):
            return
