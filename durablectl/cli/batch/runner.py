"""One operation on each of many instances, and a true account of it, whatever ended it; chooses no
instance and asks for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, NamedTuple, TypeGuard, TypeVar

from durablectl.cli.arguments.parameters import How, Pace
from durablectl.cli.batch.report import BatchReport, Skipped, show_account
from durablectl.cli.framework.at_hub import tell_without_worker
from durablectl.cli.framework.interrupts import HeldInterrupts
from durablectl.errors import (
    Conflict,
    DurablectlError,
    NotFound,
    ServiceError,
    Unreachable,
    UsageError,
    WrongState,
)
from durablectl.polling.parallel import Outcome, Runner, each_by_itself
from durablectl.render.output import Output
from durablectl.render.terminal.displays import Progress, batch_display
from durablectl.taskhub import TaskHub

Item = TypeVar("Item")
OF_ONE_ITEM = (NotFound, Conflict, ServiceError, UsageError, Unreachable)
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
    to. `result_text` is what was done, for people.

    `operate_all` does it to many on a local hub at once: of each what `operate` returns or raises;
    on a remote one, too, where it `is_batched`.
    What is not `is_grouped` has a transaction of its own there. See `BatchReport` for `sum_name`.
    `in_waves` is what to know before the next call with --limit. `needs_worker` when it is a worker
    that carries it out.
    """

    verb: str
    result_text: str
    operate: Callable[[str], object]
    is_grouped: bool = True
    sum_name: str | None = None
    operate_all: Callable[[Sequence[str]], Sequence[object]] | None = None
    in_waves: str | None = None
    needs_worker: bool = False
    is_batched: bool = False


class Tolerance(NamedTuple):
    """What is not a failure although it was not done: that it is not there, that it is finished,
    that its state is another one by now.
    """

    not_found: bool
    finished: bool
    moved_on: bool


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
    """Do it for each, show the account, and return it.

    The options say what is tolerated; of what a filter selected, everything is. A single instance's
    error is raised as it is, several ones' are in the account. What ends a batch early (Ctrl-C, a
    refused key, a service that does not answer) is raised after the account was shown.

    `waits` when the command waits until it is so, so that a next call with --limit takes others.
    """
    report = BatchReport(
        operation.result_text, list(ids), started=time.monotonic(), sum_name=operation.sum_name
    )
    tolerance = Tolerance(
        by_filter or how.ignore_not_found, by_filter or ignore_finished, by_filter
    )
    counts_each = how.concurrency or how.rate or how.max_failures
    is_together = hub.commits_together or (operation.is_batched and not counts_each)
    runner = runner_for(
        hub,
        ids,
        operation.operate,
        how,
        operate_all=operation.operate_all if is_together else None,
        is_grouped=operation.is_grouped,
        excuse=partial(_excused, hub, tolerance),
    )
    batch = Batch(out, runner, how, partial(_take, out, report), is_single=len(ids) == 1)
    batch.run(_read, operation.verb, len(ids))
    report.stopped = batch.stopped is not None or bool(report.left)
    report.unknown = runner.started
    if operation.needs_worker and report.done and not waits:
        tell_without_worker(out, hub)
    show_account(out, report)
    if batch.stopped is not None:
        raise batch.stopped
    if operation.in_waves and how.limit is not None and by_filter and report.done and not waits:
        out.note(operation.in_waves)
    return report


def _read(outcomes: Iterator[Outcome[str]]) -> None:
    for _ in outcomes:
        pass


class Batch(Generic[Item]):
    """The one loop over many items: each outcome is counted by `take` and handed on, until all are
    done, or an error, the failures of `pace` or Ctrl-C end it. Then what is under way gets a
    moment.

    `stopped` is what ended it early. The error that did so is counted only when it is one item's;
    `refused` are the items that met it otherwise.
    """

    def __init__(
        self,
        out: Output,
        runner: Runner[Item],
        pace: How | Pace,
        take: Callable[[Outcome[Item]], None],
        *,
        is_single: bool = False,
    ) -> None:
        self._out, self._runner, self._take = out, runner, take
        self._max_failures, self._is_single = pace.max_failures, is_single
        self._patience = max(PATIENCE, pace.concurrency or AT_ONCE)
        self._last: Outcome[Item] | None = None
        self._count = self._failed = self._unanswered = 0
        self.stopped: BaseException | None = None
        self.refused: list[Item] = []
        self._interrupts = HeldInterrupts()  # rows are shown whole, JSON to its end

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
            with (
                batch_display(self._out, verb, total, alone=alone) as progress,
                self._interrupts.held(),
            ):
                show(self._outcomes(progress))
        except (KeyboardInterrupt, Exception) as error:
            grace = GRACE if self.stopped is None else 0.0
            self.stopped = self.stopped or error
            for _ in self._late(grace):
                pass  # counted only: what shows them has failed

    def _outcomes(self, progress: Progress) -> Iterator[Outcome[Item]]:
        try:
            yield from self._on_time(progress)
        except (KeyboardInterrupt, Exception) as error:
            self.stopped = error
        yield from self._late(GRACE)

    def _late(self, grace: float) -> Iterator[Outcome[Item]]:
        """Once it has ended: the outcomes of what is under way."""
        self._runner.stop()
        # a second Ctrl-C: the report comes without them
        with suppress(KeyboardInterrupt):
            for outcome in self._interrupts.between(self._runner.drain(grace)):
                error = outcome.error
                is_of_one = error is not self.stopped or not _is_of_all(error)
                if not is_of_one or not isinstance(error, DurablectlError | None):
                    self.refused.append(outcome.item)
                elif self._counted(outcome):
                    yield outcome

    def _on_time(self, progress: Progress) -> Iterator[Outcome[Item]]:
        for outcome in self._interrupts.between(self._runner):
            error = outcome.error
            self._unanswered = self._unanswered + 1 if isinstance(error, Unreachable) else 0
            if _is_of_all(error):
                raise error
            self._counted(outcome)
            progress(self._count, self._failed)
            yield outcome
            if error is None:
                continue
            if self._is_single or self._unanswered >= self._patience:
                raise error
            if self._failed == self._max_failures:
                self._out.warn(
                    f"{self._failed} failed, more than --max-failures allows; "
                    "the rest was not attempted"
                )
                self._runner.stop()

    def _counted(self, outcome: Outcome[Item]) -> bool:
        """Whether it was new: after an interrupt the last one is told again."""
        if outcome is self._last:
            return False
        self._last = outcome
        self._count += 1
        self._failed += outcome.error is not None
        self._take(outcome)
        return True


def _is_of_all(error: BaseException | None) -> TypeGuard[BaseException]:
    """Whether it is an error that all items would meet, and says nothing of one."""
    return error is not None and not isinstance(error, OF_ONE_ITEM)


def runner_for(
    hub: TaskHub,
    items: Iterable[Item],
    operate: Callable[[Item], object],
    pace: How | Pace,
    *,
    operate_all: Callable[[Sequence[Item]], Iterable[object]] | None = None,
    is_grouped: bool = True,
    excuse: Callable[[Item, object], object] = lambda _item, result: result,
) -> Runner[Item]:
    """What does it to each: several requests at a time, or many together where `operate_all` does
    a whole group, or in one transaction where the hub has them and it `is_grouped`. `excuse` has
    the last word on each result, errors among them.
    """
    concurrency, size = 1, AT_A_TIME if is_grouped else 1
    if hub.commits_together or operate_all:
        transaction = hub.group if is_grouped else nullcontext
        in_group = operate_all or each_by_itself(operate, transaction)
    else:
        in_group, concurrency, size = each_by_itself(operate), pace.concurrency or AT_ONCE, 1
    return Runner(
        items,
        lambda group: map(excuse, group, in_group(group)),
        concurrency=concurrency,
        size=size,
        rate=pace.rate,
    )


def _excused(hub: TaskHub, tolerance: Tolerance, instance_id: str, result: object) -> object:
    """The result, or why an error is not a failure."""
    if isinstance(result, NotFound) and tolerance.not_found:
        return Skipped("not there")
    if not isinstance(result, WrongState) or not (tolerance.finished or tolerance.moved_on):
        return result
    try:
        status = hub.get_status(instance_id, show_input=False)
    except DurablectlError as error:
        return error
    if status.is_final and tolerance.finished:
        return Skipped("finished already")
    return Skipped(f"{status.runtime_status.value} by now") if tolerance.moved_on else result


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
