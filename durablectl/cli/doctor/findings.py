"""What `doctor` finds: a finding, the order of checks that stops at the first one that makes the
rest pointless, and the common checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from durablectl.config import Settings
from durablectl.errors import DurablectlError
from durablectl.model import InstanceFilter, RuntimeStatus, utc_now
from durablectl.quoting import command
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
    fix = None if error.hint == command("doctor") else error.hint  # which is at work
    return Finding(check, Verdict.PROBLEM, error.message, fix, error)


@contextmanager
def needed(check: str) -> Iterator[None]:
    """What the later checks build on: its error is the last finding."""
    try:
        yield
    except DurablectlError as error:
        raise Stop(problem(check, error)) from error


def instances(subject: Subject) -> Iterator[Finding]:
    """What is in the hub that somebody should look at."""
    unfinished = frozenset({RuntimeStatus.PENDING, RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED})
    hub = subject.open()
    listed = list_instances(hub, InstanceFilter(statuses=unfinished))
    found, now = list(islice(listed, MOST + 1)), utc_now()
    counted = Counter(status.runtime_status.value for status in found[:MOST])
    text = ", ".join(f"{count} {state}" for state, count in counted.most_common()) or "nothing"
    yield ok("in flight", f"more than {text}" if len(found) > MOST else text)
    running = [status for status in found if status.runtime_status is RuntimeStatus.RUNNING]
    if running:
        oldest = min(running, key=lambda status: status.created_time)
        age = now - oldest.created_time
        text = f"{oldest.instance_id} ({oldest.name}), for {duration_text(age.total_seconds())}"
        look = subject.command("history", oldest.instance_id)
        yield warning("oldest running", text, look) if age > OLD else ok("oldest running", text)
    stuck = [
        status
        for status in found
        if status.runtime_status is RuntimeStatus.PENDING
        and now - status.created_time > STUCK
        and not hub.details(status).starts_after(now)
    ]
    if stuck:
        many = "1 instance is" if len(stuck) == 1 else f"{len(stuck)} instances are"
        names = Counter(each.name for each in stuck).most_common(5)
        named = ", ".join(f"{name} ({count})" for name, count in names)
        yield warning(
            "stuck pending",
            f"{many} pending for more than {duration_text(STUCK.total_seconds())}: {named}",
            subject.command("list", options=("--status", "Pending", "--created-before", "10m")),
        )
