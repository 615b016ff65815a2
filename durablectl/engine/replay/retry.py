"""Calls with retry: attempt, timer, attempt, timer…, one task to the orchestrator; no clock, no
I/O.

The original's loop (DurableTask.Core, RetryInterceptor): every failed attempt is followed by a
timer, the last one too, whose timer fires at once. Numbers of timers and attempts come from the
common sequence when their event is processed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import FAILED, SUCCEEDED, CompoundTask, Task, TimerTask


class RetryOptions(Protocol):
    """What is read of the options: the Azure SDK's have it, and ours."""

    @property
    def first_retry_interval_in_milliseconds(self) -> int: ...
    @property
    def max_number_of_attempts(self) -> int: ...


class RetryableTask(CompoundTask):
    """An activity or sub-orchestration that is called again when it fails.

    `attempt` makes the next call.
    """

    __slots__ = ("_attempt", "_delay", "_error", "_left", "num_attempts", "retry_options")

    def __init__(
        self, execution: ExecutionState, attempt: Callable[[], Task], options: RetryOptions
    ) -> None:
        super().__init__(execution, [attempt()])
        self._attempt = attempt
        # the options of 1.x have no back-off: the interval stays what it is
        self._delay = timedelta(milliseconds=options.first_retry_interval_in_milliseconds)
        self._left = options.max_number_of_attempts - 1
        self._error: Any = None
        self.retry_options = options
        self.num_attempts = 1

    def schedule(self, execution: ExecutionState) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.children[0].schedule(execution)

    def _advance(self, execution: ExecutionState, child: Task) -> None:
        if isinstance(child, TimerTask):
            self._timer_fired(execution)
        elif child.state is SUCCEEDED:
            self.settle(execution, SUCCEEDED, child.result)
        else:
            self._error = child.result
            if self._left > 0 and isinstance(child.id, int):
                execution.retried.add(child.id)
            self._add(
                execution,
                TimerTask(execution.now + self._delay if self._left > 0 else execution.now),
            )

    def _timer_fired(self, execution: ExecutionState) -> None:
        if self._left > 0:
            self._left -= 1
            self.num_attempts += 1
            self._add(execution, self._attempt())
        else:
            self.settle(execution, FAILED, self._error)

    def _add(self, execution: ExecutionState, child: Task) -> None:
        child.attach(self)
        self.children.append(child)
        self.pending_tasks.add(child)
        child.schedule(execution)
        # A task_all that has failed waits for the end of this one: if its next attempt were held
        # back, as other new decisions are, neither would ever come.
        if isinstance(child.id, int):
            execution.retries.add(child.id)
