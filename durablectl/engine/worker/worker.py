"""The worker: keeps a dispatcher turning in a thread of its own, and watches over it."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from durablectl.engine.registry import Registry
from durablectl.engine.replay.check import CheckResult, ReplayCheck
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import LeaseLost
from durablectl.engine.worker.activity_pool import ActivityPool
from durablectl.engine.worker.dispatcher import Dispatcher, RunningOrchestrator
from durablectl.engine.worker.outcomes import Failed
from durablectl.errors import DurablectlError, HubBusy, HubLost, HubUnusable
from durablectl.frames import Frame
from durablectl.model import utc_now
from durablectl.polling.threads import start_thread

if TYPE_CHECKING:
    from durablectl.engine.worker.activity_processes import ActivityProcesses

CONCURRENCY = 32
FIRST_POLL, LAST_POLL, IDLE_POLL = 0.0005, 0.01, 0.03
"""Seconds between looks at what other processes have committed: the first, the longest while
activities run, and when nothing does."""
DEAD_CHECK_SECONDS = 0.25
IDLE_HEARTBEAT_SECONDS = 10.0
FILE_CHECK_SECONDS = 1.0
PATIENCE = (5.0, 60.0)
"""Seconds after which an orchestrator that does not yield is told of, and given up."""
RETRY_SECONDS = 1.0
PACKAGE = str(Path(__file__).parent.parent)


@dataclass(frozen=True, slots=True)
class WorkerCallbacks:
    """What a worker calls, in its own threads.

    `warn` gets what the people who run it should hear, `on_failure` each failure of a function,
    once it is committed. With `on_difference` each execution that ends is replayed, and it hears of
    code that does not repeat its decisions (see `ReplayCheck`). `on_end` is called when the worker
    cannot continue: `error` says why.
    """

    warn: Callable[[str], None] = lambda _text: None
    on_failure: Callable[[Failed], None] = lambda _failed: None
    on_difference: Callable[[CheckResult], None] | None = None
    on_end: Callable[[], None] = lambda: None


NO_CALLBACKS = WorkerCallbacks()


class SkippingClock:
    """Goes as `now` does, ahead of it by all that was skipped.

    For any thread; one of them skips.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._now() + self._ahead

    def skip_to(self, moment: datetime) -> None:
        """Be at `moment`, or stay when it is past."""
        self._ahead = max(self._ahead, moment - self._now())


class Worker:
    """Runs an app's functions for a hub, from `start` until `stop`.

    `roots` restricts it to these instances (keys) and what they call. With `is_persistent` a file
    that cannot be written is tried again, unless it is another one by now; else the worker ends,
    and `error` holds why. With `processes` synchronous activities run there instead of in
    `concurrency` threads. `about` is more JSON that others may read of the worker while it lives.
    With `skips_timers` its clock jumps to the next timer as soon as nothing else is to do. See
    `Dispatcher` for `fails_unknown`.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        *,
        concurrency: int = CONCURRENCY,
        processes: ActivityProcesses | None = None,
        roots: tuple[int, ...] | None = None,
        is_persistent: bool = True,
        fails_unknown: bool = False,
        skips_timers: bool = False,
        about: Mapping[str, object] | None = None,
        patience: tuple[float, float] = PATIENCE,
        callbacks: WorkerCallbacks = NO_CALLBACKS,
    ) -> None:
        self._database, self._registry, self._roots = database, registry, roots
        self._is_persistent, self._callbacks, self._warn = is_persistent, callbacks, callbacks.warn
        on_difference = callbacks.on_difference
        self._check = None if on_difference is None else ReplayCheck(registry, on_difference)
        self._skipping = SkippingClock(utc_now) if skips_timers else None
        self._now = now = self._skipping or utc_now
        self._warn_seconds, self._give_up_seconds = patience
        self._fails_unknown, self._about = fails_unknown, dict(about or {})
        self._registered: dict[str, object] = {}
        self._concurrency = concurrency
        self._notifier = threading.Lock()
        self._notifier.acquire()
        self._pool = ActivityPool(registry, concurrency, self.wake, now, processes=processes)
        self._poisoned: dict[int, str] = {}
        self._dispatcher: Dispatcher | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._is_resting = False
        self.error: DurablectlError | None = None

    def start(self) -> None:
        """Register with the hub, then work in a thread of its own; `HubUnusable` when the hub
        cannot be written.
        """
        self._begin(self._new_dispatcher())
        self._database.notifier.subscribe(self._look_up)
        start_thread(self._watch, name="watch")

    def stop(self, timeout: float = 2.0) -> None:
        """Finish the commit in progress and free what is held.

        What user code still runs is left behind with the process.
        """
        self._stopping.set()
        self._database.notifier.unsubscribe(self._look_up)
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout)
        self._pool.close()

    def drain(self) -> None:
        """Begin no more activities; those that run come to their end.

        `stop` is still to be called.
        """
        self._pool.accepts_work = False
        self.wake()

    @property
    def is_drained(self) -> bool:
        """Whether no activity runs or waits to run here."""
        return self._pool.outstanding == 0

    def wake(self) -> None:
        """Let the dispatcher look for work at once."""
        if self._notifier.locked():
            try:
                self._notifier.release()
            except RuntimeError:  # another thread was quicker
                return

    def _look_up(self) -> None:
        """Somebody in this process has committed.

        A dispatcher that has just run is not woken: it takes what comes next in one commit.
        """
        if self._is_resting:
            self.wake()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is under way and no timer is set, or the worker has stopped; whether
        that is so.
        """
        return self._idle.wait(timeout)

    @property
    def is_running(self) -> bool:
        # the thread of a dispatcher that was given up lives as long as the code that it runs
        return self.error is None and self._thread is not None and self._thread.is_alive()

    def _new_dispatcher(self) -> Dispatcher:
        dispatcher = Dispatcher(
            self._database,
            self._registry,
            self._pool,
            roots=self._roots,
            poisoned=self._poisoned,
            fails_unknown=self._fails_unknown,
            on_failure=self._callbacks.on_failure,
            check=self._check,
        )
        registry = self._registry
        functions = {
            "orchestrators": sorted(registry.orchestrators.names),
            "activities": sorted(registry.activities.names),
            "entities": sorted(registry.entities.names),
        }
        more = {"process": os.getpid(), "roots": self._roots, "concurrency": self._concurrency}
        self._registered = self._about | functions | more
        dispatcher.open(self._now(), self._registered)
        return dispatcher

    def _begin(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._thread = start_thread(self._keep_turning, dispatcher, name="dispatcher")

    def _keep_turning(self, dispatcher: Dispatcher | None) -> None:
        try:
            while (
                dispatcher is not None
                and dispatcher is self._dispatcher
                and not self._stopping.is_set()
            ):
                dispatcher = self._turn_until_trouble(dispatcher)
            if dispatcher is not None and dispatcher is self._dispatcher:
                dispatcher.close()
        except DurablectlError as error:
            self._end(error)
        finally:
            if dispatcher is None or dispatcher is self._dispatcher:
                self._idle.set()

    def _end(self, error: DurablectlError) -> None:
        self.error = error
        self._idle.set()
        self._callbacks.on_end()

    def _turn_until_trouble(self, dispatcher: Dispatcher) -> Dispatcher | None:
        """Turn until the worker is stopped; after trouble, the dispatcher to continue with (None:
        it cannot continue).
        """
        try:
            self._turn(dispatcher)
        except LeaseLost:
            if dispatcher is not self._dispatcher:
                return dispatcher  # it was given up, and another one continues
            self._warn(
                "this worker stalled and another one has taken over its instances; starting afresh"
            )
        except HubUnusable as error:
            dispatcher.lease.abandon()
            self._wait_to_try_again(error)
        # a defect of ours: the instance that it shows at fails, the others continue
        except Exception as error:
            self._blame(dispatcher, error)
            self._stopping.wait(RETRY_SECONDS)
        else:
            return dispatcher
        return self._replacement(dispatcher)

    def _blame(self, dispatcher: Dispatcher, error: Exception) -> None:
        failing, where = dispatcher.failing_instance, ""
        if failing is not None:
            where = f" at instance '{failing.instance_id}'"
            self._poisoned[failing.key] = (
                f"Orchestrator function '{failing.started.name}' failed: "
                f"internal error of durablectl: {error!r}"
            )
        place = "".join(traceback.format_tb(error.__traceback__)[-1:]).strip().replace("\n", " ")
        self._warn(f"internal error{where}: {error!r} ({place}); please report it; starting afresh")

    def _replacement(self, dispatcher: Dispatcher) -> Dispatcher | None:
        """A fresh dispatcher for one that can no longer be used; None when the worker is stopped
        before there is one.
        """
        dispatcher.lease.abandon()
        while not self._stopping.is_set():
            try:
                self._dispatcher = self._new_dispatcher()
            except HubUnusable as error:
                self._wait_to_try_again(error)
            else:
                return self._dispatcher
        return None

    def _wait_to_try_again(self, error: HubUnusable) -> None:
        """Raises `error` where it is not to be tried again."""
        is_passing = self._is_persistent or isinstance(error, HubBusy)
        if not is_passing or isinstance(error, HubLost):
            raise error
        self._warn(f"{error.message}; trying again")
        self._stopping.wait(RETRY_SECONDS)

    def _turn(self, dispatcher: Dispatcher) -> None:
        delay = FIRST_POLL
        looked = committed = checked = time.monotonic()
        while not self._stopping.is_set() and dispatcher is self._dispatcher:
            if (now := time.monotonic()) - checked > FILE_CHECK_SECONDS:
                checked = now
                self._database.check_file()
            try:
                did = dispatcher.process_next(self._now())
            except HubBusy as error:
                self._warn(f"{error.message}; trying again")
                continue
            if did:
                delay, committed = FIRST_POLL, time.monotonic()
                self._idle.clear()
                continue
            now = time.monotonic()
            if now - looked > DEAD_CHECK_SECONDS:
                looked = now
                if dispatcher.lease.free_dead_workers(self._now()):
                    dispatcher.fetch_again()
                    continue
            if now - committed > IDLE_HEARTBEAT_SECONDS:
                committed = now
                dispatcher.fetch_again()
            if (
                self._skipping is not None
                and dispatcher.next_due is not None
                and not dispatcher.is_working
            ):
                self._skipping.skip_to(dispatcher.next_due)
                continue
            if dispatcher.is_idle:
                self._idle.set()
            self._pool.scale_up()
            self._is_resting = delay > FIRST_POLL
            self._notifier.acquire(timeout=self._pause(dispatcher, delay))
            self._is_resting = False
            delay = min(delay * 1.3, LAST_POLL if dispatcher.is_working else IDLE_POLL)

    def _pause(self, dispatcher: Dispatcher, delay: float) -> float:
        if dispatcher.next_due is None:
            return delay
        return max(0.0, min(delay, (dispatcher.next_due - self._now()).total_seconds()))

    def _watch(self) -> None:
        """Notice an orchestrator that does not yield: warn, then fail its instance and continue
        without it.
        """
        seen: RunningOrchestrator | None = None
        since, warned = time.monotonic(), False
        while not self._stopping.wait(self._warn_seconds / 10):
            if (dispatcher := self._dispatcher) is None:
                return  # given up, and no other one could be made
            running = dispatcher.running
            if running is None or running is not seen:
                if warned:
                    self._describe(dispatcher)
                seen, since, warned = running, time.monotonic(), False
                continue
            seconds = time.monotonic() - since
            if seconds > self._give_up_seconds:
                self._give_up(dispatcher, running)
                seen = None
            elif seconds > self._warn_seconds and not warned:
                warned = True
                self._describe(dispatcher, running)
                so_far = f"has not yielded for {self._warn_seconds:g} s{self._where()}"
                self._warn(
                    f"orchestrator '{running.name}' of instance '{running.instance_id}' {so_far}"
                )

    def _describe(self, dispatcher: Dispatcher, running: RunningOrchestrator | None = None) -> None:
        """Let others read in the hub which orchestrator does not yield, and where it is."""
        stuck: dict[str, object] = {}
        if running is not None:
            since = self._now() - timedelta(seconds=self._warn_seconds)
            told = {"instance": running.instance_id, "since": since.isoformat()}
            stuck = {"notYielding": told | {"place": self._place()}}
        with suppress(HubUnusable):  # it is for people only, and the dispatcher meets it too
            dispatcher.lease.describe(self._registered | stuck)

    def _give_up(self, dispatcher: Dispatcher, running: RunningOrchestrator) -> None:
        reason = f"it did not yield for {self._give_up_seconds:g} s{self._where()}"
        self._poisoned[running.instance] = (
            f"Orchestrator function '{running.name}' failed: {reason}"
        )
        self._warn(
            f"instance '{running.instance_id}' fails: orchestrator '{running.name}': {reason}"
        )
        self._dispatcher = None
        try:
            if (replacement := self._replacement(dispatcher)) is not None:
                self._begin(replacement)
        except DurablectlError as error:
            self._end(error)

    def _where(self) -> str:
        place = self._place()
        return f" (at {place})" if place else ""

    def _place(self) -> str:
        """Where the dispatcher's thread is in the app's own code; "" when it is not there."""
        frame: FrameType | None = None
        if self._thread is not None:
            frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001
        outside = ""  # where none is the app's own: a library that calls nothing of it
        while frame is not None:
            here = Frame(frame.f_code.co_filename, frame.f_lineno, "")
            if here.is_apps:
                return str(here)
            if not outside and not here.file.startswith(PACKAGE):
                outside = str(here)
            frame = frame.f_back
        return outside
