"""What a wait leaves for a pipeline: annotations and a summary for the runner it is under, and a
JUnit file where one was asked for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from durablectl.cli.arguments.waiting import CI_VARIABLE, CiMode
from durablectl.cli.framework.at_hub import AtHub
from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.model import InstanceStatus
from durablectl.render import ci
from durablectl.render.junit import report
from durablectl.render.output import Output

Seen = Mapping[str, InstanceStatus | None]


class Reports:
    """The reports of one wait.

    Where one cannot be written afterwards, that is a warning: how the wait ended is not changed by
    it.
    """

    def __init__(
        self, at: AtHub, ids: Sequence[str], mode: CiMode | None, junit: str | None
    ) -> None:
        """`UsageError` when there is no such folder for the JUnit file, or the variable holds no
        mode.
        """
        self._out, self._environ, self._address = at.out, at.environ, at.hub.address
        self._ids = ids
        self._mode = mode or _from_variable(at.environ)
        self._junit = None if junit is None else _writable(at.cwd / Path(junit).expanduser(), junit)

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
        verdicts = [
            ci.verdict(
                name,
                each,
                is_satisfied=is_satisfied(each),
                all_satisfied=satisfied,
                full=self._mode is CiMode.FULL,
                why=why_not(each) if each else "",
            )
            for name, each in seen.items()
        ]
        self._write(verdicts)

    @contextmanager
    def of_faults(self) -> Iterator[None]:
        """Report a fault of the tool or the hub that ends what is inside."""
        try:
            yield
        except DurablectlError as error:
            self._write([ci.verdict(each, None) for each in self._ids], error.message)
            raise

    def _write(self, verdicts: Sequence[ci.Verdict], fault: str | None = None) -> None:
        if self._junit is not None:
            hub, now = self._address, datetime.now(UTC)
            text = report("durablectl wait", verdicts, now=now, hub=hub, fault=fault)
            with self._warning(f"the JUnit report could not be written to {self._junit}"):
                self._junit.write_text(text, encoding="utf-8")
        runner = ci.runner_of(self._environ)
        if runner is None or self._mode is CiMode.OFF:
            return
        if fault is None:
            lines = ci.annotation_lines(runner, verdicts)
        else:
            lines = [ci.annotation(runner, "durablectl", ci.short(fault, ci.LONGEST_DETAIL))]
        for line in lines:
            self._out.command(line)
        with self._warning(f"the summary for {runner.value} could not be written"):
            self._write_summary(runner, ci.summary(verdicts))

    def _write_summary(self, runner: ci.Runner, text: str) -> None:
        if runner is ci.Runner.GITHUB and (path := self._environ.get("GITHUB_STEP_SUMMARY")):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)
        elif runner is ci.Runner.AZURE and (folder := self._environ.get("AGENT_TEMPDIRECTORY")):
            descriptor, name = tempfile.mkstemp(".md", "durablectl-", folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            self._out.command(ci.upload_summary(name))

    @contextmanager
    def _warning(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._out.warn(f"{what}: {reason_of(error)}")


def annotate(out: Output, environ: Mapping[str, str], title: str, message: str) -> None:
    """Show a message on the page of the CI run that this is part of, if it is part of one; it holds
    no inputs and no outputs.
    """
    runner = ci.runner_of(environ)
    if runner is not None and _from_variable(environ) is not CiMode.OFF:
        out.command(
            ci.annotation(
                runner, f"durablectl: {ci.short(title)}", ci.short(message, ci.LONGEST_DETAIL)
            )
        )


def _from_variable(environ: Mapping[str, str]) -> CiMode:
    text = environ.get(CI_VARIABLE) or CiMode.AUTO.value
    try:
        return CiMode(text.lower())
    except ValueError:
        raise UsageError(f"{CI_VARIABLE}: '{text}' is not one of {', '.join(CiMode)}") from None


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
