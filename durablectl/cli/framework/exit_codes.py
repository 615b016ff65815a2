"""What the exit code means: the only place that knows the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from durablectl.errors import (
    Conflict,
    DurablectlError,
    KeyRefused,
    NotATaskHub,
    NotFound,
    Unreachable,
    Unsupported,
    UsageError,
    WaitTimeout,
    reason_of,
)
from durablectl.model import RuntimeStatus


class ExitCode(IntEnum):
    """Every code that durablectl ends with."""

    DONE = 0
    ERROR = 1  # unexpected error, an unusable hub file or app, or some of a batch failed
    DIFFERENT = 1  # the verdict of `diff`, as in diff(1)
    USAGE = 2  # as click, argparse and bash
    NOT_FOUND = 3
    KEY_REFUSED = 4
    UNREACHABLE = 5
    CONFLICT = 6
    UNSUPPORTED = 7
    STILL_RUNNING = 8
    ENDED_BEFORE = 9  # ended before `--until` came true
    FAILED = 10
    TERMINATED = 11
    CANCELED = 12
    TIMED_OUT = 124  # as GNU `timeout`
    INTERRUPTED = 130  # 128 + SIGINT


MEANINGS = {
    ExitCode.DONE: "done; completed",
    ExitCode.ERROR: "unexpected error, an unusable hub file or app, a missing extra, or part of a "
    "batch failed; `diff`: they differ; `replay`: one breaks",
    ExitCode.USAGE: "usage, unknown context, no hub; `replay`: nothing was judged",
    ExitCode.NOT_FOUND: "no such instance, entity or function",
    ExitCode.KEY_REFUSED: "key missing or refused",
    ExitCode.UNREACHABLE: "service not reachable, or no Durable Functions API there",
    ExitCode.CONFLICT: "conflict: it already exists, or has the wrong status",
    ExitCode.UNSUPPORTED: "this hub does not support it",
    ExitCode.STILL_RUNNING: "still running (`status --exit-status`)",
    ExitCode.ENDED_BEFORE: "ended before the `--until` condition was met",
    ExitCode.FAILED: "Failed",
    ExitCode.TERMINATED: "Terminated",
    ExitCode.CANCELED: "Canceled",
    ExitCode.TIMED_OUT: "timed out, as with GNU `timeout`",
    ExitCode.INTERRUPTED: "interrupted",
}
"""What each code says, in the words of the documentation."""

_FAULTS: tuple[tuple[type[DurablectlError], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (KeyRefused, ExitCode.KEY_REFUSED),
    (Unreachable, ExitCode.UNREACHABLE),
    (NotATaskHub, ExitCode.UNREACHABLE),
    (Conflict, ExitCode.CONFLICT),
    (Unsupported, ExitCode.UNSUPPORTED),
    (WaitTimeout, ExitCode.TIMED_OUT),
)
_OUTCOMES = {
    RuntimeStatus.COMPLETED: ExitCode.DONE,
    RuntimeStatus.FAILED: ExitCode.FAILED,
    RuntimeStatus.TERMINATED: ExitCode.TERMINATED,
    RuntimeStatus.CANCELED: ExitCode.CANCELED,
}
_OUTCOMES_BY_WEIGHT = (
    ExitCode.FAILED,
    ExitCode.TERMINATED,
    ExitCode.CANCELED,
    ExitCode.ENDED_BEFORE,
    ExitCode.TIMED_OUT,
    ExitCode.STILL_RUNNING,
)


def for_error(error: BaseException) -> ExitCode:
    """The code for a fault. Whatever has no code of its own is an unexpected error."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    return next((code for kind, code in _FAULTS if isinstance(error, kind)), ExitCode.ERROR)


def seen_by_caller(code: int, signal: int | None) -> int:
    """The code as a shell shows it, also for a process that ends by a signal: 128 and its number
    (bash(1), "EXIT STATUS").
    """
    return code if signal is None else 128 + signal


def for_outcome(status: RuntimeStatus) -> ExitCode:
    """The code for how an instance ended, or that it has not ended."""
    return _OUTCOMES.get(status, ExitCode.STILL_RUNNING)


def for_outcomes(codes: Iterable[int]) -> ExitCode:
    """One code for several instances: an interruption, then the first fault of the tool, then the
    weightiest outcome, else 0.
    """
    occurred = [ExitCode(code) for code in codes]
    if ExitCode.INTERRUPTED in occurred:
        return ExitCode.INTERRUPTED
    fault = next(
        (code for code in occurred if ExitCode.ERROR <= code <= ExitCode.UNSUPPORTED), None
    )
    return fault or next((code for code in _OUTCOMES_BY_WEIGHT if code in occurred), ExitCode.DONE)


def for_wait(ended: Iterable[RuntimeStatus], *, timed_out: bool, by_condition: bool) -> ExitCode:
    """The code for a wait: how those ended that did not do what was waited for, and whether the
    time was up; `by_condition` when an expression was waited for.
    """
    codes = [ExitCode.ENDED_BEFORE if by_condition else for_outcome(each) for each in ended]
    return for_outcomes([*codes, *([ExitCode.TIMED_OUT] if timed_out else [])])


def for_batch(*, is_complete: bool) -> ExitCode:
    """The code for a batch: 1 when something failed, or was not tried."""
    return ExitCode.DONE if is_complete else ExitCode.ERROR


@contextmanager
def faults_are_not_verdicts() -> Iterator[None]:
    """While inside, a fault whose code is 1 gets 2: in a command where 1 is a verdict, as in
    diff(1), it must not be taken for one.
    """
    try:
        yield
    except DurablectlError as error:
        if for_error(error) is not ExitCode.ERROR:
            raise
        raise UsageError(error.message, hint=error.hint) from error
    except BrokenPipeError:
        raise  # a reader that has seen enough
    except OSError as error:
        raise UsageError(reason_of(error)) from error
