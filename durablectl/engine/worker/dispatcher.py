"""The dispatcher: takes what has arrived, runs the episodes it causes, and commits all of it.

A lease is on disk before user code runs, user code never runs inside a transaction, and activities
are dispatched only after the commit.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from durablectl.engine.registry import Registry
from durablectl.engine.replay.check import FinishedExecution, ReplayCheck
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import WorkerLease
from durablectl.engine.store.work_items import (
    Commit,
    EntityBatch,
    FetchRequest,
    FetchResult,
    LoadedInstance,
    WorkerFilter,
    WorkItem,
)
from durablectl.engine.worker.activity_pool import ActivityPool, Result
from durablectl.engine.worker.app_output import CURRENT_INSTANCE, REPEATING, end_line
from durablectl.engine.worker.cached_execution import CachedExecution, cached_execution, failures_of
from durablectl.engine.worker.commit import CommitBuilder
from durablectl.engine.worker.entities import EntityBatchResult
from durablectl.engine.worker.outcomes import Failed
from durablectl.errors import HubBusy, HubUnusable
from durablectl.history.events import ContinueAsNew, ExecutionCompleted, Inbound

CACHE_SIZE = 10_000
MOST_MESSAGES = 1_000
MOST_CHECKS = 20  # between two looks for work
MOST_UNCHECKED = 1_000


@dataclass(slots=True)
class RunningOrchestrator:
    """The orchestrator whose code runs just now, for the thread that watches the dispatcher."""

    instance: int
    instance_id: str
    name: str


class Dispatcher:
    """Processes the work that one worker has leased.

    Not for several threads; a dispatcher whose commit failed must be thrown away.

    `poisoned` are instances that must fail instead of run, by key, with the reason. With
    `fails_unknown` instances of orchestrators that the app does not have are taken on too, and
    fail, as the service does it; else they wait for a worker that knows them. `check` replays each
    execution that ends or is evicted, after the commit, when nothing else is to do.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        pool: ActivityPool,
        *,
        roots: tuple[int, ...] | None = None,
        poisoned: dict[int, str] | None = None,
        fails_unknown: bool = False,
        cache_size: int = CACHE_SIZE,
        on_failure: Callable[[Failed], None] = lambda _failed: None,
        check: ReplayCheck | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._registry, self._pool = database, registry, pool
        self._poisoned = poisoned if poisoned is not None else {}
        self._cache_size = cache_size
        self._on_failure = on_failure
        self._failures: list[Failed] = []  # not committed yet
        self._check = check
        self._leaving: list[FinishedExecution] = []  # to be checked once they are committed
        # to be checked when nothing else is to do
        self._finished: deque[FinishedExecution] = deque()
        self.lease = WorkerLease(database, _filter(registry, roots, fails_unknown), ticks)
        self.running: RunningOrchestrator | None = None
        self.failing_instance: LoadedInstance | None = None
        """The instance whose episode is running, to name it when the commit fails."""
        self._cache: OrderedDict[int, CachedExecution] = OrderedDict()
        self._fetched = FetchResult(is_more=True)
        self._has_waiting_activities = True
        self._uncommitted: tuple[CommitBuilder, bool] | None = None
        self._room = 0
        self._busy: set[int] = set()  # entities with a batch under way
        self._version = -1

    @property
    def is_working(self) -> bool:
        """Whether activities or entities are under way."""
        return self._pool.outstanding > 0

    def scale_up(self) -> None:
        """Give activities that wait for a thread another one."""
        self._pool.scale_up()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and no timer is set; instances may still wait for events."""
        return (
            self._uncommitted is None
            and self._pool.outstanding == 0
            and self._fetched.next_due is None
        )

    def fetch_again(self) -> None:
        """Let the next call fetch work of every kind, whatever it knows: a commit of this
        worker's own tells it nothing.
        """
        self._fetched.is_more = self._has_waiting_activities = True

    @property
    def next_due(self) -> datetime | None:
        """When the next timer becomes visible, as far as the dispatcher knows."""
        return self._fetched.next_due

    def open(self, now: datetime, about: dict[str, object]) -> None:
        """Register with the hub; what dead workers held is free before this returns."""
        self.lease.open(about, now)
        self.lease.free_dead_workers(now)

    def close(self) -> None:
        """Leave the hub; what was held is free at once.

        Generators are closed, their instances untouched.
        """
        speaker = CURRENT_INSTANCE.set(REPEATING)
        for held in self._cache.values():
            held.executor.close()
        CURRENT_INSTANCE.reset(speaker)
        self._cache.clear()
        self.lease.close()
        self._check_finished(len(self._finished))

    def process_next(self, now: datetime) -> bool:
        """Process what has arrived; True when there was anything.

        `HubBusy` means that nothing was committed yet: the next call tries the same commit again.
        """
        if self._uncommitted is None:
            try:
                builder = self._prepare(now)
                is_fetching = self._is_fetching(now, builder.rows)
            except HubBusy as error:  # what was prepared is lost with this dispatcher
                raise HubUnusable(error.message, hint=error.hint) from error
            if not builder.rows and not is_fetching:
                return self._check_finished(MOST_CHECKS)
            # Kept until it is committed: its episodes have run, and no generator can go back.
            self._uncommitted = builder, is_fetching
        builder, is_fetching = self._uncommitted
        fetched = self._commit(builder, is_fetching, now)
        self._uncommitted = None
        batches = [item.batch for item in fetched.items if item.batch is not None]
        self._busy.update(batch.instance for batch in batches)
        # Only now are their leases on the disk: before, another worker could take them too.
        self._pool.submit([*builder.dispatch, *fetched.activities, *batches])
        # Only now are they true: what was not committed happens again.
        failures, self._failures = self._failures, []
        for each in failures:
            self._on_failure(each)
        self._finished += self._leaving
        self._leaving.clear()
        self._check_finished(len(self._finished) - MOST_UNCHECKED)
        return bool(builder.rows or fetched.items or fetched.activities or fetched.is_more)

    def _prepare(self, now: datetime) -> CommitBuilder:
        """Run the episodes that everything new causes; what is to be written."""
        results = self._pool.take()
        self._room = self._pool.room
        builder = CommitBuilder(now, self._claim, self._registry)
        for item, events in self._gather(results, builder):
            self._advance(item, events, builder)
        self._evict(builder.rows)
        return builder

    def _commit(self, builder: CommitBuilder, is_fetching: bool, now: datetime) -> FetchResult:
        # A look for activities is a query of its own, so it is made only where some may wait.
        room = max(0, self._room) if self._has_waiting_activities else 0
        want = FetchRequest(MOST_MESSAGES, room, tuple(self._busy)) if is_fetching else None
        fetched = self.lease.commit(builder.rows, now, want)
        if is_fetching:
            if room:
                self._has_waiting_activities = len(fetched.activities) >= room
            self._fetched = fetched
        else:
            self._fetched = FetchResult(next_due=self._fetched.next_due)
        return fetched

    def _is_fetching(self, now: datetime, rows: Commit) -> bool:
        """Whether the hub may hold something new for this worker."""
        # It tells of other connections only; `rows` below tell what this commit makes visible.
        version = self._database.data_version()
        has_changed, self._version = version != self._version, version
        if has_changed:
            self._has_waiting_activities = True
        due = self._fetched.next_due
        return (
            has_changed
            or self._fetched.is_more
            or (due is not None and due <= now)
            or bool(
                rows.answers
                or rows.children
                or rows.continuations
                or rows.terminated
                or rows.timers
                or rows.requests
                or rows.starts
                or rows.events
                or rows.cancelled
                or rows.orphaned_results
                or rows.cleaned_up
            )
            or (self._has_waiting_activities and self._room > 0)
        )

    def _gather(
        self, results: Sequence[Result], builder: CommitBuilder
    ) -> list[tuple[CachedExecution, list[Inbound]]]:
        """Every instance with something new to see: first its messages, then what its activities
        returned.
        """
        items, rows = self._fetched.items, builder.rows
        self._load_into_cache(
            [
                item
                for item in items
                if item.events and (item.instance not in self._cache or item.loaded is not None)
            ]
        )
        work: dict[int, list[Inbound]] = {}
        for item in items:
            rows.consumed.extend((key,) for key in item.keys)
            if item.events and item.instance in self._cache:
                work[item.instance] = list(item.events)  # type: ignore[arg-type]
        for activity, event in results:
            if activity.worker != self.lease.key:
                continue  # started under an earlier lease, which another worker has taken over
            if isinstance(activity, EntityBatch):
                assert isinstance(event, EntityBatchResult)
                self._busy.discard(activity.instance)
                self._fetched.is_more = True
                self._failures += builder.add_batch(activity, event)
                if self._check is not None:
                    self._check.relies(event.reliances)
                continue
            assert not isinstance(event, EntityBatchResult)
            held = self._cache.get(activity.instance)
            if held is None or held.instance.execution_id != activity.execution_id:
                builder.return_result(activity, event)
            else:
                rows.completed_activities.append((activity.instance, activity.task_id))
                work.setdefault(activity.instance, []).append(event)
        return [(self._cache[instance], events) for instance, events in work.items()]

    def _load_into_cache(self, items: Sequence[WorkItem]) -> None:
        unknown = [item.instance for item in items if item.loaded is None]
        loaded = self.lease.load(unknown) if unknown else {}
        for item in items:
            instance = item.loaded or loaded.get(item.instance)
            if instance is not None and (item.loaded is not None or instance.past):
                held, fault = cached_execution(
                    instance, self._registry, keeps_events=self._check is not None
                )
                self._cache[item.instance] = held
                if fault is not None:
                    self._poisoned[instance.key] = fault

    def _advance(
        self, held: CachedExecution, events: list[Inbound], builder: CommitBuilder
    ) -> None:
        self.failing_instance = instance = held.instance
        key, instance_id = instance.key, instance.instance_id
        self.running = RunningOrchestrator(key, instance_id, instance.started.name)
        CURRENT_INSTANCE.set(instance_id)
        try:
            episode = held.run(events, builder.now, self._poisoned.pop(key, None))
        finally:
            self.running = None
            end_line()
        builder.add(instance, episode)
        if held.events is not None:
            held.events += episode.history
        self._failures += failures_of(instance_id, events, episode)
        if isinstance(episode.ending, ExecutionCompleted | ContinueAsNew):
            held.executor.close()
            self._finish(held)
            del self._cache[key]
        else:
            # the least recently used are evicted
            self._cache.move_to_end(key)
        self.failing_instance = None

    def _finish(self, held: CachedExecution) -> None:
        if held.events:
            instance = held.instance
            ids = instance.key, instance.instance_id, instance.execution_id
            self._leaving.append(FinishedExecution(*ids, instance.started.name, held.events))

    def _check_finished(self, count: int) -> bool:
        """Replay some of what has left the memory and is committed; whether there was any."""
        if self._check is None or not self._finished or count <= 0:
            return False
        speaker = CURRENT_INSTANCE.set(REPEATING)
        try:
            for _ in range(min(count, len(self._finished))):
                each = self._finished.popleft()
                self.running = RunningOrchestrator(each.key, each.instance_id, each.name)
                self._check.check(each)
        finally:
            self.running = None
            CURRENT_INSTANCE.reset(speaker)
        return True

    def _evict(self, rows: Commit) -> None:
        if len(self._cache) > self._cache_size:
            CURRENT_INSTANCE.set(REPEATING)  # an evicted generator's last words come again
        while len(self._cache) > self._cache_size:
            key, held = self._cache.popitem(last=False)
            held.executor.close()
            self._finish(held)
            rows.released.append((key,))

    def _claim(self, activity: str) -> int | None:
        """This worker takes what it has room for, and what no app knows (it fails that); the rest
        is for the first worker that fetches it.
        """
        if self._room > 0 or self._registry.activities.get(activity) is None:
            self._room -= 1
            return self.lease.key
        self._has_waiting_activities = True
        return None


def _filter(registry: Registry, roots: tuple[int, ...] | None, is_for_any: bool) -> WorkerFilter:
    entities = (f"@{name}" for name in registry.entities.keys())  # noqa: SIM118  # not a dict
    functions = None if is_for_any else (*registry.orchestrators.keys(), *entities)
    return WorkerFilter(functions, tuple(registry.activities.keys()), roots)
