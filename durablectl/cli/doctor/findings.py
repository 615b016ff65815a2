"""What `doctor` finds: a finding, the order of checks that stops at the first one that makes the
rest pointless, and the common checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from durablectl.config import Settings
from durablectl.errors import DurablectlError
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.render.views import duration_text
from durablectl.taskhub import TaskHub, list_instances

if TYPE_CHECKING:
    from durablectl.engine.registry import Registry

MOST = 2000  # instances that are looked at
STUCK = timedelta(minutes=10)
OLD = timedelta(days=7)


class Verdict(Enum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `mend` is the command, or the step, that fixes it.

    `error` is what a problem ends the command with.
    """

    check: str
    verdict: Verdict
    text: str
    mend: str | None = None
    error: DurablectlError | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "verdict": self.verdict.value,
            "message": self.text,
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the hub of the settings, which `open` opens, and the app beside it.

    `command` writes a command for the same hub; a request may take `timeout` seconds.
    """

    settings: Settings
    environ: Mapping[str, str]
    timeout: float
    open: Callable[[], TaskHub]
    load_app: Callable[[], Registry]
    command: Callable[..., str]

    def instances(self, now: datetime) -> Iterator[Finding]:
        """What is in the hub that somebody should look at."""
        return _instances(self.open(), self.command, now)


class Stop(Exception):
    """A problem that makes the checks after it pointless."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def ok(check: str, text: str) -> Finding:
    return Finding(check, Verdict.OK, text)


def warning(check: str, text: str, mend: str | None = None) -> Finding:
    return Finding(check, Verdict.WARNING, text, mend)


def problem(check: str, error: DurablectlError) -> Finding:
    return Finding(check, Verdict.PROBLEM, error.message, error.hint, error)


@contextmanager
def needed(check: str) -> Iterator[None]:
    """What the later checks build on: its error is the last finding."""
    try:
        yield
    except DurablectlError as error:
        raise Stop(problem(check, error)) from error


def until_stop(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings up to the one that a check stopped with."""
    try:
        yield from findings
    except Stop as stop:
        yield stop.finding


def _instances(hub: TaskHub, command: Callable[..., str], now: datetime) -> Iterator[Finding]:
    unfinished = frozenset({RuntimeStatus.PENDING, RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED})
    found = list(islice(list_instances(hub, InstanceFilter(statuses=unfinished)), MOST + 1))
    more = "more than " if len(found) > MOST else ""
    counted = Counter(status.runtime_status.value for status in found[:MOST])
    yield ok(
        "in flight",
        more
        + (", ".join(f"{count} {state}" for state, count in counted.most_common()) or "nothing"),
    )
    running = [status for status in found if status.runtime_status is RuntimeStatus.RUNNING]
    if running:
        oldest = min(running, key=lambda status: status.created_time)
        age = now - oldest.created_time
        text = f"{oldest.instance_id} ({oldest.name}), for {duration_text(age.total_seconds())}"
        look = command("history", oldest.instance_id)
        yield warning("oldest running", text, look) if age > OLD else ok("oldest running", text)
    stuck = [
        status
        for status in found
        if status.runtime_status is RuntimeStatus.PENDING and now - status.created_time > STUCK
    ]
    if stuck:
        text = (
            f"{_many(len(stuck))} pending for more than "
            f"{duration_text(STUCK.total_seconds())}: {_named(each.name for each in stuck)}"
        )
        yield warning(
            "stuck pending",
            text,
            command("list", "--status", "Pending", "--created-before", "10m"),
        )


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in Counter(names).most_common(5))


def _many(count: int) -> str:
    return "1 instance is" if count == 1 else f"{count} instances are"
