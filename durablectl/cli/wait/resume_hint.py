"""The command that continues with a wait which was interrupted; waits for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from durablectl.cli.arguments.input import STDIN
from durablectl.cli.arguments.instance_ids import is_status_url
from durablectl.cli.session import Session
from durablectl.cli.session.targets import SELECTORS, command_line
from durablectl.taskhub import TaskHub

MOST_WORDS = 20


@dataclass(frozen=True, slots=True)
class ResumeCommand:
    """The `wait` that does the rest of one that was interrupted: the words that name its instances,
    and its options.
    """

    words: Sequence[str]
    until: str | None
    timeout: float | None
    interval: float | None
    more: Mapping[str, object] = field(default_factory=dict)

    def command(self, session: Session, hub: TaskHub) -> str:
        """To copy; what is too much for a line, or came from standard input, it takes from
        there."""
        times = {"timeout": _seconds(self.timeout), "interval": _seconds(self.interval)}
        given = {**times, "until": self.until, **self.more}
        options = [
            f"--{name}" if value is True else f"--{name}={value}"
            for name, value in given.items()
            if value
        ]
        words = self.words if len(self.words) <= MOST_WORDS else [STDIN]
        by_ids = (
            None
            if any(word == STDIN or word.startswith("@") or is_status_url(word) for word in words)
            else hub
        )
        told = command_line(
            session,
            "wait",
            *words,
            options=options,
            repeated=(*SELECTORS, "output", "query"),
            hub=by_ids,
        )
        return told if STDIN not in words else f"{told} (with the same ids)"


def tell_how_to_resume(
    session: Session, hub: TaskHub, left: Sequence[str], resume: ResumeCommand
) -> None:
    """Say on stderr that those that are left run on, and the command that waits for them."""
    if not left:
        return
    what = f"instance '{left[0]}' is" if len(left) == 1 else f"the {len(left)} instances are"
    warning = ", but no worker is running on this local hub" if not hub.has_worker() else ""
    session.out.error(f"interrupted; {what} left running{warning}")
    session.out.hint(f"continue waiting with: {resume.command(session, hub)}")


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:g}s"
