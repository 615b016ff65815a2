"""The options of whatever can wait: read once, and handed on as they are."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from durablectl.cli.arguments.parameters import Interval, Timeout
from durablectl.errors import UsageError

CI_VARIABLE = "DURABLECTL_CI"
RESPONSE_TIMEOUT = 10.0


class OnTimeout(StrEnum):
    """What a wait does with the instances that are not done in time."""

    LEAVE = "leave"
    TERMINATE = "terminate"
    SUSPEND = "suspend"


class CiMode(StrEnum):
    """What a CI runner is told."""

    AUTO = "auto"
    FULL = "full"
    OFF = "off"


Junit = Annotated[
    str | None,
    typer.Option(
        "--junit", metavar="FILE", help="Write a JUnit report with one test case per instance."
    ),
]


class Waiting(NamedTuple):
    """How a wait goes, and what it leaves behind."""

    timeout: Timeout = None
    interval: Interval = None
    until: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH",
            help="Wait until it holds for the status object: \"customStatus.stage=='approval'\" "
            "(exit 9 when it ended before).",
        ),
    ] = None
    on_timeout: Annotated[
        OnTimeout, typer.Option(help="What to do with instances that are not done in time.")
    ] = OnTimeout.LEAVE
    response: Annotated[
        bool,
        typer.Option(
            "--response",
            help="Print what WaitForCompletionOrCreateCheckStatusResponse answers "
            "(10s unless --timeout).",
        ),
    ] = False
    junit: Junit = None
    ci: Annotated[
        CiMode | None,
        typer.Option(
            help="Annotations and a summary for GitHub Actions and Azure Pipelines; full also "
            f"tells causes and outputs (default: auto, or ${CI_VARIABLE}).",
        ),
    ] = None

    def checked(self) -> Waiting:
        """The same, with the time-out of --response; `UsageError` when they contradict each
        other.
        """
        if not self.response:
            return self
        if self.until is not None:
            raise UsageError(
                "--response waits until the instance is finished",
                hint="leave out --response, or --until",
            )
        timeout = RESPONSE_TIMEOUT if self.timeout is None else self.timeout
        if self.interval is not None and self.interval > timeout:
            raise UsageError(
                f"the interval ({self.interval:g} s) is longer than the time-out ({timeout:g} s)"
            )
        return self._replace(timeout=timeout)


class Several(NamedTuple):
    """Which of several instances a wait is for."""

    any: Annotated[bool, typer.Option("--any", help="Wait until one instance has completed.")] = (
        False
    )
    all: Annotated[
        bool, typer.Option("--all", help="Wait until all instances have ended (the default).")
    ] = False
    count: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Wait until N instances have completed.")
    ] = None  # type: ignore[assignment]  # hides tuple.count, which is not used
    fail_fast: Annotated[
        bool,
        typer.Option("--fail-fast", help="Stop waiting as soon as one instance has not completed."),
    ] = False

    def checked(self) -> Several:
        """The same; `UsageError` when they contradict each other."""
        if sum((self.any, self.all, self.count is not None)) > 1:
            raise UsageError("--any, --all and --count exclude each other", hint="give one of them")
        return self._replace(all=False)  # the default

    @property
    def completed(self) -> int | None:
        """How many must have completed; None: all."""
        return 1 if self.any else self.count


class FollowUp(NamedTuple):
    """The options of a command that can wait until what it asked for is so."""

    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            "-w",
            help="Wait until the instances have reached that status, at most --timeout (exit 124).",
        ),
    ] = False
    timeout: Timeout = None
    interval: Interval = None

    def until(self, expression: str) -> Waiting | None:
        """The wait for an expression to hold; None without --wait."""
        if not self.wait and (self.timeout is not None or self.interval is not None):
            raise UsageError("--timeout and --interval are for --wait", hint="add --wait")
        return Waiting(self.timeout, self.interval, expression) if self.wait else None
