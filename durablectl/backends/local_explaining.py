"""What a local hub adds to an explanation: its workers and leases, and the queues of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from durablectl.backends.history_source import HistorySource, LoadApp
from durablectl.backends.local import LocalTaskHub
from durablectl.backends.obstacles import breaking, obstacle_of_entity, obstacles_of
from durablectl.engine.store.client import Store
from durablectl.engine.store.leases import LiveWorker, workers
from durablectl.engine.store.open_work import CalledActivity, OpenWork, open_work, operations
from durablectl.explanation.building import Refined
from durablectl.explanation.model import Progress, Received, StepKind, Wait
from durablectl.explanation.steps import Execution
from durablectl.history.saved import History
from durablectl.model import InstanceStatus, RuntimeStatus


class LocalSource(HistorySource):
    """What a hub's file says, and its app's code."""

    def __init__(self, hub: LocalTaskHub, load_app: LoadApp | None, app_hint: str) -> None:
        super().__init__(hub, load_app, app_hint)
        self._database, self._now, self._own_app = hub.database, hub.now, hub.registry
        self._workers = {each.key: each for each in workers(self._database, self._now())}

    def use_own_app(self) -> None:
        if self._load_app is None and (app := self._own_app) is not None:
            self._load_app = lambda: app

    def refine(
        self, status: InstanceStatus, execution: Execution, waits: Sequence[Wait]
    ) -> Refined:
        if status.is_entity:
            return self._of_entity(status.instance_id)
        now = self._now()
        work = open_work(self._database, status.instance_id, now)
        if work is None:  # purged since
            return super().refine(status, execution, waits)
        made = [self._with_rows(wait, work) for wait in waits if _is_open(wait, work)]
        if waits and not made:  # cancelled timers were all that the history has
            made = [Wait(StepKind.EVENT, since=execution.last)]
        refined = self.with_code(status, made)
        found = list(obstacles_of(status, work, refined.waits, self._workers, now, self.find_app))
        if refined.mismatch and not any(each.is_live for each in self._workers.values()):
            found = [breaking(status.instance_id), *(replace(each, next=None) for each in found)]
        total = [each for each in found if each.is_total]
        callers = (each for each in work.ancestors if each.status is RuntimeStatus.SUSPENDED)
        suspended = next(callers, None)
        return replace(
            refined,
            problems=tuple(each.text for each in found),
            is_blocked=bool(total),
            next=tuple(each.next for each in total if each.next) or refined.next,
            later=tuple(each.next for each in found if each.next and not each.is_total),
            suspended_caller="" if suspended is None else suspended.instance_id,
            undelivered=tuple(
                Received(each.name, each.at, is_used=None, is_delivered=False)
                for each in work.events
            ),
        )

    def history_of(self, status: InstanceStatus) -> History:
        return Store(self._database).raw_history(status.instance_id)

    def _of_entity(self, entity_id: str) -> Refined:
        queued = tuple(self._operations(entity_id))
        obstacle = obstacle_of_entity(entity_id, self._workers.values()) if queued else None
        if obstacle is None:
            return Refined(queued)
        next_ = () if obstacle.next is None else (obstacle.next,)
        return Refined(queued, problems=(obstacle.text,), next=next_, is_blocked=True)

    def _operations(self, entity_id: str) -> Iterator[Wait]:
        for each in operations(self._database, entity_id):
            yield Wait(
                StepKind.ENTITY,
                each.name,
                since=each.at,
                progress=Progress.QUEUED,
                instance_id=entity_id,
                called_by=each.caller,
            )

    def _with_rows(self, wait: Wait, work: OpenWork) -> Wait:
        match wait.kind:
            case StepKind.ACTIVITY:
                row = next((each for each in work.activities if _is_row_of(each, wait)), None)
                return wait if row is None else self._with_lease(wait, row)
            case StepKind.ENTITY:
                return replace(wait, queue=len(operations(self._database, wait.instance_id)))
        return wait

    def _with_lease(self, wait: Wait, row: CalledActivity) -> Wait:
        worker = self._workers.get(row.worker) if row.worker is not None else None
        if worker is None:
            return replace(wait, progress=Progress.QUEUED)
        if not worker.is_live:
            lease_end = worker.lease_end if worker.is_locked else None
            return replace(
                wait,
                progress=Progress.LOST,
                since=row.leased_at,
                worker=_process(worker),
                until=lease_end,
            )
        threads = worker.about.get("concurrency")
        is_running = not isinstance(threads, int) or row.rank < threads
        return replace(
            wait,
            progress=Progress.RUNNING if is_running else Progress.QUEUED,
            since=row.leased_at,
            worker=_process(worker),
        )


def _is_open(wait: Wait, work: OpenWork) -> bool:
    """Whether a timer of the history is still set: the row of a cancelled one is gone."""
    return wait.kind is not StepKind.TIMER or wait.until in work.timers


def _is_row_of(row: CalledActivity, wait: Wait) -> bool:
    return row.name.lower() == wait.name.lower() and row.scheduled_at == wait.since


def _process(worker: LiveWorker) -> int | None:
    process = worker.about.get("process")
    return process if isinstance(process, int) else None
