"""After a batch of requests: waiting until what was asked for is so.

Sends no request of its own but looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer

from durablectl.cli.arguments.parameters import Interval, Timeout
from durablectl.cli.framework.exit_codes import ExitCode
from durablectl.cli.session import Session
from durablectl.cli.wait.resume_hint import ResumeCommand
from durablectl.cli.wait.wait import AT_ONCE, GRACE, watch_over
from durablectl.errors import UsageError
from durablectl.model import InstanceStatus
from durablectl.polling.loop import WaitRules
from durablectl.render.sanitize import safe_line
from durablectl.render.views import duration_text
from durablectl.taskhub import TaskHub

TOLD = 10
WaitForIt = Annotated[
    bool,
    typer.Option(
        "--wait", "-w", help="Wait until it is so; with --timeout at most that long (exit 124)."
    ),
]


@dataclass(frozen=True, slots=True)
class Goal:
    """What to wait for: a state that each instance is to reach.

    `expression` is the JMESPATH expression that `wait --until` takes for it.
    """

    is_so: Callable[[InstanceStatus], bool]
    expression: str
    timeout: float | None
    interval: float | None

    def wait(self, session: Session, hub: TaskHub, ids: Sequence[str]) -> ExitCode:
        """Wait until it is so for all; TIMED_OUT, with those that are left told, when it is not in
        time.
        """
        rules = WaitRules(
            self.timeout,
            self.interval or 1.0,
            grace=GRACE,
            show_input=False,
            until=self.is_so,
            at_once=AT_ONCE,
        )
        seen, trouble = watch_over(
            session,
            hub,
            ids,
            rules,
            resume=ResumeCommand(
                ids, until=self.expression, timeout=self.timeout, interval=self.interval
            ),
        )
        left = [
            instance_id for instance_id, status in seen.items() if not rules.is_finished(status)
        ]
        if not left:
            return ExitCode.DONE
        after = duration_text(self.timeout or 0)
        reason = f" (the last answer: {trouble.message})" if trouble is not None else ""
        session.out.error(
            f"timed out after {after}: not so yet for {len(left)} of {len(ids)} instances{reason}"
        )
        for instance_id in left[:TOLD]:
            session.out.talk(f"  {safe_line(instance_id)}")
        return ExitCode.TIMED_OUT


class FollowUp(NamedTuple):
    """The options of a command that can wait until what it asked for is so."""

    wait: WaitForIt = False
    timeout: Timeout = None
    interval: Interval = None

    def until(self, is_so: Callable[[InstanceStatus], bool], expression: str) -> Goal | None:
        """What to wait for; None without --wait."""
        if not self.wait and (self.timeout is not None or self.interval is not None):
            raise UsageError("--timeout and --interval are for --wait", hint="add --wait")
        return Goal(is_so, expression, self.timeout, self.interval) if self.wait else None
