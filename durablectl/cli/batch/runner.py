"""One operation on each of many instances, and a true account of it, whatever ended it; chooses no
instance and asks for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from durablectl.cli.arguments.parameters import How
from durablectl.cli.batch.report import BatchReport, Skipped, show_account
from durablectl.cli.session import Session
from durablectl.errors import (
    Conflict,
    DurablectlError,
    NotFound,
    ServiceError,
    Unreachable,
    UsageError,
    WrongState,
)
from durablectl.polling.parallel import (
    Outcome,
    ParallelRunner,
    Runner,
    TransactionRunner,
    each_by_itself,
)
from durablectl.render.terminal.batch_progress import Progress, batch_display
from durablectl.taskhub import TaskHub

ONE_BY_ONE = (NotFound, Conflict, ServiceError, UsageError)
AT_ONCE = 8
AT_A_TIME = 500  # in one transaction, where many can be done at once
GRACE = 3.0  # what requests that are under way get when the batch is cut short
PATIENCE = 5
REQUESTS = (
    "these are requests: once they are done (--wait waits for that) the same command takes "
    "the next ones"
)


@dataclass(frozen=True, slots=True)
class BatchOperation:
    """What is done to each: `operate` may return the id of a new instance, or how many it was done
    to.

    `told` is what was done, for people.

    `operate_all` does it to many on a local hub at once: of each what `operate` returns or raises.
    What is not `is_grouped` has a transaction of its own there. See `BatchReport` for `sum_name`.
    `in_waves` is what to know before the next call with --limit.
    """

    verb: str
    told: str
    operate: Callable[[str], object]
    is_grouped: bool = True
    sum_name: str | None = None
    operate_all: Callable[[Sequence[str]], Sequence[object]] | None = None
    in_waves: str | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is not a failure although it was not done: that it is not there, that it is finished,
    that its state is another one by now.
    """

    not_found: bool = False
    finished: bool = False
    moved_on: bool = False


ALL_OF_IT = Tolerance(not_found=True, finished=True, moved_on=True)


def carry_out(
    session: Session,
    hub: TaskHub,
    ids: Sequence[str],
    operation: BatchOperation,
    how: How,
    tolerance: Tolerance,
) -> BatchReport:
    """Do it for each, show the account, and return it.

    A single instance's error is raised as it is, several ones' are in the account.

    What ends a batch early (Ctrl-C, a refused key, a service that does not answer) is raised after
    the account was shown.
    """
    report = BatchReport(
        operation.told, list(ids), started=time.monotonic(), sum_name=operation.sum_name
    )
    runner = _runner(hub, ids, operation, how, tolerance)
    stop: BaseException | None = None
    with batch_display(session.out, operation.verb, len(ids)) as progress:
        try:
            stop = _run(session, runner, report, how, progress)
        except (KeyboardInterrupt, DurablectlError) as error:
            stop = error
        runner.stop()
        report.stopped = stop is not None or bool(report.left)
        # a second Ctrl-C: the report comes without them
        with suppress(KeyboardInterrupt):
            for outcome in runner.drain(GRACE) if stop else runner:
                # the error that ended the batch may be told again
                if stop is None or outcome.error is not stop:
                    _take(session, report, outcome)
        report.unknown = runner.started
    show_account(session, report)
    if stop is not None:
        raise stop
    return report


def _runner(
    hub: TaskHub,
    ids: Sequence[str],
    operation: BatchOperation,
    how: How,
    tolerance: Tolerance,
) -> Runner[str]:
    def attempt(instance_id: str) -> object:
        try:
            return operation.operate(instance_id)
        except DurablectlError as error:
            if (excuse := _excuse(hub, tolerance, instance_id, error)) is not None:
                return excuse
            raise

    if not hub.commits_together:
        return ParallelRunner(ids, attempt, concurrency=how.concurrency or AT_ONCE, rate=how.rate)
    if (operate_all := operation.operate_all) is not None:

        def attempt_all(instance_ids: Sequence[str]) -> Iterator[object]:
            for instance_id, result in zip(instance_ids, operate_all(instance_ids), strict=True):
                excuse = (
                    _excuse(hub, tolerance, instance_id, result)
                    if isinstance(result, DurablectlError)
                    else None
                )
                yield excuse or result

        return TransactionRunner(ids, attempt_all, size=AT_A_TIME, rate=how.rate)
    if operation.is_grouped:
        return TransactionRunner(ids, each_by_itself(attempt, hub.group), rate=how.rate)
    return TransactionRunner(ids, each_by_itself(attempt, nullcontext), size=1, rate=how.rate)


def _excuse(
    hub: TaskHub, tolerance: Tolerance, instance_id: str, error: DurablectlError
) -> Skipped | None:
    """Why an error is not a failure; None when it is one."""
    if isinstance(error, NotFound) and tolerance.not_found:
        return Skipped("not there")
    if not isinstance(error, WrongState) or not (tolerance.finished or tolerance.moved_on):
        return None
    status = hub.get_status(instance_id, show_input=False)
    if status.is_final and tolerance.finished:
        return Skipped("finished already")
    return Skipped(f"{status.runtime_status.value} by now") if tolerance.moved_on else None


class FailurePolicy:
    """Decides after each outcome whether the next ones are worth trying."""

    def __init__(self, concurrency: int | None, max_failures: int | None) -> None:
        self._patience, self._most = max(PATIENCE, concurrency or AT_ONCE), max_failures
        self._failed = self._unanswered = 0

    def ends(self, error: BaseException | None) -> BaseException | None:
        """What ends the batch: an error that all would meet, or a service that has stopped
        answering.
        """
        self._unanswered = self._unanswered + 1 if isinstance(error, Unreachable) else 0
        self._failed += error is not None
        if error is not None and not isinstance(error, (*ONE_BY_ONE, Unreachable)):
            return error
        return error if self._unanswered >= self._patience else None

    @property
    def is_reached(self) -> bool:
        """Whether as many have failed as may."""
        return self._most is not None and self._failed >= self._most

    def tell(self, session: Session) -> None:
        session.out.warn(
            f"{self._failed} failed, more than --max-failures allows; the rest was not attempted"
        )


def _run(
    session: Session, runner: Runner[str], report: BatchReport, how: How, progress: Progress
) -> BaseException | None:
    """Until all are done or it has to stop; what it has to stop for, if that is an error."""
    policy = FailurePolicy(how.concurrency, how.max_failures)
    for outcome in runner:
        end = policy.ends(outcome.error)
        if end is None or isinstance(end, Unreachable):
            _take(session, report, outcome)
            progress(report.over, len(report.failed))
        if len(report.ids) == 1 and outcome.error is not None:
            return outcome.error
        if end is not None:
            return end
        if policy.is_reached:
            policy.tell(session)
            return None
    return None


def _take(session: Session, report: BatchReport, outcome: Outcome[str]) -> None:
    if outcome.error is not None and not isinstance(outcome.error, DurablectlError):
        raise outcome.error
    if outcome.error is not None:
        report.failed[outcome.item] = outcome.error
        return
    if isinstance(outcome.result, Skipped):
        report.skipped[outcome.item] = outcome.result.why
        return
    if outcome.item in report.done:  # told again after an interrupt
        return
    new_id = outcome.result if isinstance(outcome.result, str) else None
    report.done[outcome.item] = new_id
    report.sum += outcome.result if isinstance(outcome.result, int) else 1
    if session.out.is_text and (report.is_short or new_id):
        session.out.note(f"{report.told}: {outcome.item}{f' -> {new_id}' if new_id else ''}")
