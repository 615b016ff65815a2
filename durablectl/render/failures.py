"""A failure as a worker's log has it: what failed, why, and the app's own frames.

Pure; writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from durablectl.causes import Cause, cause_of
from durablectl.frames import app_lines
from durablectl.render.sanitize import safe_line

if TYPE_CHECKING:
    from durablectl.engine.worker.outcomes import Failed

LONGEST_TEXT = 2_000
MOST_LINES, MOST_FRAMES = 20, 40


def failure_entry(failed: Failed, *, verbose: bool = False) -> str:
    """The lines about a failure, each with its instance in front; the whole traceback with
    `verbose`.
    """
    cause = cause_of(failed.reason, failed.details)
    who = cause.through[-1] if cause.through else failed.kind
    what = f"{who}, operation '{failed.operation}'," if failed.operation else who
    how = "failed and is tried again" if failed.is_tried_again else "failed"
    if failed.is_passed_on:
        cause = Cause(cause.line)
    mark = f"[{safe_line(failed.instance_id)}] "
    return "\n".join(mark + line for line in entry_lines(f"{what} {how}", cause, verbose=verbose))


def entry_lines(what: str, cause: Cause, *, verbose: bool = False) -> Sequence[str]:
    """What failed and why, then the frames below it.

    A long text and a deep traceback are cut: the status has all of them.
    """
    text, *more = _cut(cause.text)
    frames = cause.traceback.splitlines() if verbose else app_lines(cause.traceback)
    left_out = len(frames) - MOST_FRAMES
    if left_out > 0 and not verbose:
        half = MOST_FRAMES // 2
        frames = [*frames[:half], f"({left_out} lines more)", *frames[-half:]]
    return [f"{what}: {text}", *(f"  {line}" for line in [*more, *frames])]


def _cut(text: str) -> list[str]:
    lines = text[:LONGEST_TEXT].split("\n")
    shown = lines[:MOST_LINES]
    if len(text) > LONGEST_TEXT or len(lines) > MOST_LINES:
        shown[-1] += " …"
    return shown
