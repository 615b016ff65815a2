"""What a wait leaves for a pipeline: annotations and a summary for the runner it is under, and a
JUnit file where one was asked for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from durablectl.cli.session import Session
from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.model import InstanceStatus
from durablectl.render import ci

if TYPE_CHECKING:
    from durablectl.taskhub import TaskHub

VARIABLE = "DURABLECTL_CI"
Seen = Mapping[str, InstanceStatus | None]


class CiMode(StrEnum):
    """What a CI runner is told."""

    AUTO = "auto"
    FULL = "full"
    OFF = "off"


Ci = Annotated[
    CiMode | None,
    typer.Option(
        "--ci",
        help="Annotations and a summary for GitHub Actions and Azure Pipelines; full also tells "
        "causes and outputs "
        f"(default: auto, or ${VARIABLE}).",
    ),
]
Junit = Annotated[
    str | None,
    typer.Option("--junit", metavar="FILE", help="Write a JUnit report, an instance a test case."),
]


class Reports:
    """The reports of one wait.

    Where one cannot be written afterwards, that is a warning: how the wait ended is not changed by
    it.
    """

    def __init__(
        self,
        session: Session,
        hub: TaskHub,
        ids: Sequence[str],
        mode: CiMode | None,
        junit: str | None,
    ) -> None:
        """`UsageError` when there is no such folder for the JUnit file, or the variable holds no
        mode.
        """
        self._session, self._hub, self._ids = session, hub, ids
        self._mode = mode or _from_variable(session.environ)
        self._junit = (
            None if junit is None else _writable(session.cwd / Path(junit).expanduser(), junit)
        )

    def ended(
        self,
        seen: Seen,
        is_satisfied: Callable[[InstanceStatus | None], bool],
        *,
        satisfied: bool,
        why_not: Callable[[InstanceStatus], str] = lambda _status: "",
    ) -> None:
        """Report how the wait left the instances: which did what was waited for, and whether the
        wait is `satisfied` and ends with 0.

        `why_not` ends the sentence about one that has ended without doing it.
        """
        verdicts = self._verdicts(seen, is_satisfied, satisfied)
        told = [
            replace(each, why=why_not(status)) if (status := seen[each.instance_id]) else each
            for each in verdicts
        ]
        self._write(told, None)

    @contextmanager
    def of_faults(self) -> Iterator[None]:
        """Report a fault of the tool or the hub that ends what is inside."""
        try:
            yield
        except DurablectlError as error:
            self._write(
                self._verdicts(dict.fromkeys(self._ids), lambda _status: False, False),
                error.message,
            )
            raise

    def _verdicts(
        self, seen: Seen, is_satisfied: Callable[[InstanceStatus | None], bool], satisfied: bool
    ) -> list[ci.Verdict]:
        full = self._mode is CiMode.FULL
        return [
            ci.verdict(
                name, each, is_satisfied=is_satisfied(each), all_satisfied=satisfied, full=full
            )
            for name, each in seen.items()
        ]

    def _write(self, verdicts: Sequence[ci.Verdict], fault: str | None) -> None:
        out = self._session.out
        runner = ci.runner_of(self._session.environ) if self._mode is not CiMode.OFF else None
        if self._junit is not None:
            self._write_junit(self._junit, verdicts, fault)
        if runner is None:
            return
        fault_line = (
            ci.annotation(runner, "durablectl", ci.short(fault, ci.LONGEST_DETAIL))
            if fault
            else None
        )
        for line in [fault_line] if fault_line else ci.annotation_lines(runner, verdicts):
            out.command(line)
        self._write_summary(runner, ci.summary(verdicts))

    def _write_junit(self, path: Path, verdicts: Sequence[ci.Verdict], fault: str | None) -> None:
        from durablectl.render.junit import report  # deferred: few ask for it

        text = report(
            "durablectl wait", verdicts, now=datetime.now(UTC), hub=self._hub.address, fault=fault
        )
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            self._session.out.warn(
                f"the JUnit report could not be written to {path}: {reason_of(error)}"
            )

    def _write_summary(self, runner: ci.Runner, text: str) -> None:
        environ, out = self._session.environ, self._session.out
        try:
            if runner is ci.Runner.GITHUB and (path := environ.get("GITHUB_STEP_SUMMARY")):
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(text)
            elif runner is ci.Runner.AZURE and (folder := environ.get("AGENT_TEMPDIRECTORY")):
                descriptor, name = tempfile.mkstemp(".md", "durablectl-", folder)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                out.command(ci.upload_summary(name))
        except OSError as error:
            out.warn(f"the summary for {runner.value} could not be written: {reason_of(error)}")


def annotate(session: Session, title: str, message: str) -> None:
    """Show a message on the page of the CI run that this is part of, if it is part of one; it holds
    no inputs and no outputs.
    """
    runner = ci.runner_of(session.environ)
    if runner is not None and _from_variable(session.environ) is not CiMode.OFF:
        session.out.command(
            ci.annotation(
                runner, f"durablectl: {ci.short(title)}", ci.short(message, ci.LONGEST_DETAIL)
            )
        )


def _from_variable(environ: Mapping[str, str]) -> CiMode:
    text = environ.get(VARIABLE) or CiMode.AUTO.value
    try:
        return CiMode(text.lower())
    except ValueError:
        raise UsageError(f"{VARIABLE}: '{text}' is not one of {', '.join(CiMode)}") from None


def _writable(path: Path, shown: str) -> Path:
    if not shown or path.is_dir():
        raise UsageError(f"--junit requires a file, not '{shown}'")
    if not path.parent.is_dir():
        raise UsageError(
            f"there is no folder {path.parent} for the JUnit report",
            hint="make it first, or name another --junit FILE",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"'{shown}' cannot be written", hint="name another --junit FILE")
    return path
