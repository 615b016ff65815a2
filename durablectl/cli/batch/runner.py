"""One operation on each of many instances, and a true account of it, whatever ended it; chooses no
instance and asks for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from durablectl.cli.arguments.parameters import How, Pace
from durablectl.cli.batch.report import BatchReport, Skipped, show_account
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
from durablectl.render.output import Output
from durablectl.render.terminal.batch_progress import Progress, batch_display
from durablectl.taskhub import TaskHub

Item = TypeVar("Item")
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

    `operate_all` does it to many on a local hub at once: of each what `operate` returns or raises;
    on a remote one, too, where it `is_batched`.
    What is not `is_grouped` has a transaction of its own there. See `BatchReport` for `sum_name`.
    `in_waves` is what to know before the next call with --limit.
    """

    verb: str
    result_text: str
    operate: Callable[[str], object]
    is_grouped: bool = True
    sum_name: str | None = None
    operate_all: Callable[[Sequence[str]], Sequence[object]] | None = None
    in_waves: str | None = None
    is_batched: bool = False


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
    out: Output,
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
        operation.result_text, list(ids), started=time.monotonic(), sum_name=operation.sum_name
    )
    runner = _runner(hub, ids, operation, how, tolerance)
    policy = FailurePolicy(how.concurrency, how.max_failures, is_single=len(ids) == 1)
    batch = Batch(out, runner, policy, partial(_take, out, report))
    batch.run(_read, operation.verb, len(ids))
    stop = batch.stopped
    report.stopped = stop is not None or bool(report.left)
    report.unknown = runner.started
    show_account(out, report)
    if stop is not None:
        raise stop
    return report


def control(
    out: Output,
    hub: TaskHub,
    ids: Sequence[str],
    operation: BatchOperation,
    how: How,
    *,
    by_filter: bool,
    ignore_finished: bool = False,
    waits: bool = False,
) -> BatchReport:
    """`carry_out` with what the options tolerate; of what a filter selected, everything is.

    `waits` when the command waits until it is so, so that a next call with --limit takes others.
    """
    tolerance = ALL_OF_IT if by_filter else Tolerance(how.ignore_not_found, ignore_finished)
    report = carry_out(out, hub, ids, operation, how, tolerance)
    has_next = how.limit is not None and by_filter and not waits and bool(report.done)
    if operation.in_waves and has_next:
        out.note(operation.in_waves)
    return report


def _read(outcomes: Iterator[Outcome[str]]) -> None:
    for _ in outcomes:
        pass


class Batch(Generic[Item]):
    """The one loop over many items: each outcome is counted by `take` and handed on, until all are
    done or the policy, an error or Ctrl-C ends it. Then what is under way gets a moment.

    `stopped` is what ended it early. The error that did so is counted only when it is one item's.
    """

    def __init__(
        self,
        out: Output,
        runner: Runner[Item],
        policy: FailurePolicy,
        take: Callable[[Outcome[Item]], None],
    ) -> None:
        self._out, self._runner, self._policy, self._take = out, runner, policy, take
        self._last: Outcome[Item] | None = None
        self._count = self._failed = 0
        self._is_enough = False
        self.stopped: BaseException | None = None

    def run(
        self,
        show: Callable[[Iterator[Outcome[Item]]], object],
        verb: str,
        total: int,
        *,
        alone: bool = False,
    ) -> None:
        """Until it is over; `show` reads the outcomes as they come."""
        try:
            with batch_display(self._out, verb, total, alone=alone) as progress:
                show(self._outcomes(progress))
        except (KeyboardInterrupt, Exception) as error:
            self.stopped = error
        self._runner.stop()
        # a second Ctrl-C: the report comes without them
        with suppress(KeyboardInterrupt):
            for outcome in self._runner.drain(GRACE) if self.stopped else self._runner:
                # the error that ended the batch may be told again
                if self.stopped is None or outcome.error is not self.stopped:
                    self._counted(outcome)

    def _outcomes(self, progress: Progress) -> Iterator[Outcome[Item]]:
        for outcome in self._runner:
            end = self._policy.ends(outcome.error)
            if end is None or self._policy.counts(end):
                self._counted(outcome)
                progress(self._count, self._failed)
                yield outcome
            if end is not None:
                raise end
            if self._policy.is_reached and not self._is_enough:
                self._is_enough = True
                self._policy.tell(self._out)
                self._runner.stop()

    def _counted(self, outcome: Outcome[Item]) -> None:
        if outcome is self._last:  # told again after an interrupt
            return
        self._last = outcome
        if outcome.error is not None and not isinstance(outcome.error, DurablectlError):
            raise outcome.error
        self._count += 1
        self._failed += outcome.error is not None
        self._take(outcome)


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

    def attempt_all(instance_ids: Sequence[str]) -> Iterator[object]:
        assert operation.operate_all is not None
        results = operation.operate_all(instance_ids)
        for instance_id, result in zip(instance_ids, results, strict=True):
            if isinstance(result, DurablectlError):
                yield _excuse(hub, tolerance, instance_id, result) or result
            else:
                yield result

    operate_all = None if operation.operate_all is None else attempt_all
    counts_each = how.concurrency or how.rate or how.max_failures
    if operation.is_batched and not hub.commits_together and not counts_each:
        return TransactionRunner(ids, attempt_all, size=AT_A_TIME)
    return runner_for(
        hub, ids, attempt, how, operate_all=operate_all, is_grouped=operation.is_grouped
    )


def runner_for(
    hub: TaskHub,
    items: Iterable[Item],
    operate: Callable[[Item], object],
    pace: How | Pace,
    *,
    operate_all: Callable[[Sequence[Item]], Iterable[object]] | None = None,
    is_grouped: bool = True,
) -> Runner[Item]:
    """What does it to each: several requests at a time, or many in one transaction where the hub
    has them and it `is_grouped`; there `operate_all` may do a whole group.
    """
    if not hub.commits_together:
        return ParallelRunner(
            items, operate, concurrency=pace.concurrency or AT_ONCE, rate=pace.rate
        )
    group = hub.group if is_grouped else nullcontext
    in_group = operate_all or each_by_itself(operate, group)
    return TransactionRunner(items, in_group, size=AT_A_TIME if is_grouped else 1, rate=pace.rate)


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

    def __init__(
        self, concurrency: int | None, max_failures: int | None, *, is_single: bool = False
    ) -> None:
        self._patience, self._most = max(PATIENCE, concurrency or AT_ONCE), max_failures
        self._is_single = is_single
        self._failed = self._unanswered = 0

    def ends(self, error: BaseException | None) -> BaseException | None:
        """What ends the batch: an error that all would meet, a service that has stopped answering,
        or the error of a single item.
        """
        self._unanswered = self._unanswered + 1 if isinstance(error, Unreachable) else 0
        self._failed += error is not None
        if error is not None and not isinstance(error, (*ONE_BY_ONE, Unreachable)):
            return error
        return error if self._is_single or self._unanswered >= self._patience else None

    def counts(self, end: BaseException) -> bool:
        """Whether the error that ends the batch says something of its item, too."""
        return isinstance(end, (*ONE_BY_ONE, Unreachable))

    @property
    def is_reached(self) -> bool:
        """Whether as many have failed as may."""
        return self._most is not None and self._failed >= self._most

    def tell(self, out: Output) -> None:
        out.warn(
            f"{self._failed} failed, more than --max-failures allows; the rest was not attempted"
        )


def _take(out: Output, report: BatchReport, outcome: Outcome[str]) -> None:
    if isinstance(outcome.error, DurablectlError):
        report.failed[outcome.item] = outcome.error
        return
    if isinstance(outcome.result, Skipped):
        report.skipped[outcome.item] = outcome.result.why
        return
    new_id = outcome.result if isinstance(outcome.result, str) else None
    report.done[outcome.item] = new_id
    report.sum += outcome.result if isinstance(outcome.result, int) else 1
    if out.is_text and (report.is_short or new_id):
        out.note(f"{report.result_text}: {outcome.item}{f' -> {new_id}' if new_id else ''}")
