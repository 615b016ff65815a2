"""The command that continues with a wait which was interrupted; waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from durablectl.cli.arguments.input import STDIN
from durablectl.cli.arguments.instance_ids import is_status_url
from durablectl.cli.arguments.waiting import OnTimeout, Several, Waiting
from durablectl.cli.framework.at_hub import AtHub

MOST_WORDS = 20


class Wanted(NamedTuple):
    """What a wait was asked for: these instances, in this way. `words` are what named them on the
    command line of `wait`, if it was not their ids. `is_started`: the hub has answered already.
    """

    ids: Sequence[str]
    waiting: Waiting
    several: Several = Several()
    words: Sequence[str] = ()
    is_started: bool = False


def tell_how_to_resume(at: AtHub, left: Sequence[str], wanted: Wanted, reason: str) -> None:
    """Say on stderr why it ends, that those that are left run on, and the command that waits for
    all of them.
    """
    if not left:
        return
    what = f"instance '{left[0]}' is" if len(left) == 1 else f"the {len(left)} instances are"
    warning = ", but no worker is running on this local hub" if not at.hub.has_worker() else ""
    at.out.error(f"{reason}; {what} left running{warning}")
    at.out.hint(f"continue waiting with: {_command(at, wanted)}")


def _command(at: AtHub, wanted: Wanted) -> str:
    """To copy; what is too much for a line, or came from standard input, it takes from there."""
    ids, waiting, several, words, _ = wanted
    given = {
        "timeout": _seconds(waiting.timeout),
        "interval": _seconds(waiting.interval),
        "until": waiting.until,
        "count": several.completed,
        "fail-fast": several.fail_fast,
        "on-timeout": None if waiting.on_timeout is OnTimeout.LEAVE else waiting.on_timeout,
        "response": waiting.response,
        "junit": waiting.junit,
        "ci": waiting.ci,
    }
    options = [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in given.items()
        if value
    ]
    words = words or ids
    words = words if len(words) <= MOST_WORDS else [STDIN]
    is_named = any(word == STDIN or word.startswith("@") or is_status_url(word) for word in words)
    hub = None if is_named else at.hub
    told = at.command("wait", *words, options=options, more=("output", "query"), hub=hub)
    return told if STDIN not in words else f"{told} (with the same ids)"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:g}s"
