"""What a CI runner is told of a wait: annotations and a short summary, and how each instance was
left.

Pure; writes nothing.

Ids and names come from a hub, so they are data: nothing in them can end a command, begin one, or be
read as Markdown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from durablectl.causes import Cause
from durablectl.model import InstanceStatus
from durablectl.redaction import redact
from durablectl.render.sanitize import defuse, safe_line
from durablectl.render.views import duration_text, ending_line

MOST_ANNOTATIONS = 10  # GitHub shows ten errors of a step
MOST_ROWS = 20
LONGEST_NAME = 100
LONGEST_DETAIL = 400
UNKNOWN = "unknown"


class Runner(Enum):
    """The runners whose commands we know."""

    GITHUB = "GitHub Actions"
    AZURE = "Azure Pipelines"


def runner_of(environ: Mapping[str, str]) -> Runner | None:
    """The runner that a process's environment tells of."""
    if environ.get("GITHUB_ACTIONS"):
        return Runner.GITHUB
    return Runner.AZURE if environ.get("TF_BUILD") else None


class Kind(Enum):
    """How a wait sees an instance. SATISFIED: it did what was waited for.

    PENDING: the wait had what it wanted without it.
    """

    SATISFIED = "satisfied"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a wait left one instance.

    `why` ends the sentence about one that ended without doing what was waited for.

    `detail` is the instance's own words, the cause of a failure say; empty unless it was asked for.
    `cause` is there for every failed instance, for the report that was asked for by name.
    """

    instance_id: str
    name: str
    state: str
    seconds: float
    kind: Kind
    detail: str = ""
    why: str = ""
    cause: Cause | None = None

    @property
    def sentence(self) -> str:
        """What there is to say about it, on one harmless line."""
        name = f" ({short(self.name)})" if self.name else ""
        how = f"is {self.state}"
        if self.kind is Kind.TIMED_OUT:
            how = f"was still {self.state} when the wait ended"
        elif self.kind is Kind.FAILED and self.why:
            how += f", {self.why}"
        detail = f": {short(self.detail, LONGEST_DETAIL)}" if self.detail else ""
        return f"instance '{short(self.instance_id)}'{name} {how}{detail}"


def verdict(
    instance_id: str,
    status: InstanceStatus | None,
    *,
    is_satisfied: bool = False,
    all_satisfied: bool = False,
    full: bool = False,
    why: str = "",
) -> Verdict:
    """How an instance was left.

    `is_satisfied` says that it did what was waited for, `all_satisfied` that the wait had all it
    wanted; `full` lets the instance's own words in. See `Verdict` for `why`.
    """
    if is_satisfied:
        kind = Kind.SATISFIED
    elif all_satisfied:
        kind = Kind.PENDING
    else:
        kind = Kind.FAILED if status is not None and status.is_final else Kind.TIMED_OUT
    if status is None:
        return Verdict(instance_id, "", UNKNOWN, 0.0, kind)
    seconds = max((status.last_updated_time - status.created_time).total_seconds(), 0.0)
    detail = ending_line(status) if full and status.is_final else ""
    state = status.runtime_status.value
    return Verdict(instance_id, status.name, state, seconds, kind, detail, why, status.cause)


def short(text: str, longest: int = LONGEST_NAME) -> str:
    """Text on one harmless line, cut where it gets long."""
    line = safe_line(text[: longest + 1])
    return line if len(line) <= longest else line[: longest - 1] + "…"


def annotation(runner: Runner, title: str, message: str) -> str:
    """The one line by which a runner shows an error at the top of its page."""
    if runner is Runner.GITHUB:
        return f"::error title={_github(title, is_property=True)}::{_github(message)}"
    return f"##vso[task.logissue type=error]{_azure(f'{title}: {message}')}"


def annotation_lines(runner: Runner, verdicts: Sequence[Verdict]) -> list[str]:
    """An annotation for each instance that ended badly or late, the first of many."""
    told = [each for each in verdicts if each.kind in (Kind.FAILED, Kind.TIMED_OUT)]
    lines = [
        annotation(runner, f"durablectl: {_title(each)}", each.sentence)
        for each in told[:MOST_ANNOTATIONS]
    ]
    if len(told) > MOST_ANNOTATIONS:
        rest = f"{len(told) - MOST_ANNOTATIONS} more instances ended badly or late"
        lines[-1:] = [
            annotation(runner, "durablectl", f"{told[MOST_ANNOTATIONS - 1].sentence}; and {rest}")
        ]
    return lines


def upload_summary(path: str) -> str:
    """The command that shows a Markdown file on Azure Pipelines' page of a run."""
    return f"##vso[task.uploadsummary]{_azure(path)}"


def summary(verdicts: Sequence[Verdict]) -> str:
    """A short Markdown table: what ended badly or late first."""
    counted = Counter(each.state for each in verdicts).most_common()
    total = "1 instance" if len(verdicts) == 1 else f"{len(verdicts)} instances"
    states = ", ".join(f"{count} {_cell(state)}" for state, count in counted)
    lines = [f"### durablectl: {total}, {states}", ""]
    lines += ["| instance | orchestrator | status | took |", "|---|---|---|---|"]
    ordered = sorted(verdicts, key=lambda each: each.kind not in (Kind.FAILED, Kind.TIMED_OUT))
    lines += [_row(each) for each in ordered[:MOST_ROWS]]
    if len(ordered) > MOST_ROWS:
        lines += ["", f"and {len(ordered) - MOST_ROWS} more"]
    return "\n".join(lines) + "\n\n"


def _title(verdict: Verdict) -> str:
    word = "timed out" if verdict.kind is Kind.TIMED_OUT else verdict.state
    return f"{short(verdict.name)} {word}" if verdict.name else word


def _row(verdict: Verdict) -> str:
    state = verdict.state if verdict.kind is not Kind.TIMED_OUT else f"timed out ({verdict.state})"
    detail = f": {_cell(short(verdict.detail, LONGEST_DETAIL))}" if verdict.detail else ""
    took = "" if verdict.state == UNKNOWN else duration_text(verdict.seconds)
    return (
        f"| {_cell(short(verdict.instance_id))} | {_cell(short(verdict.name))} | "
        f"{_cell(state)}{detail} | {took} |"
    )


def _cell(text: str) -> str:
    """Text that Markdown takes for nothing but text: punctuation as entities."""
    return re.sub(r"[!-,./:-@\[-`{-~]", lambda found: f"&#{ord(found[0])};", redact(text))


def _github(text: str, *, is_property: bool = False) -> str:
    """As actions/toolkit escapes the data and the properties of a command."""
    escaped = _escaped(text, "%25")
    return escaped.replace(":", "%3A").replace(",", "%2C") if is_property else escaped


def _azure(text: str) -> str:
    """As the agent reads the message of a command back; `%` has a name of its own there."""
    return _escaped(text, "%AZP25")


def _escaped(text: str, percent: str) -> str:
    harmless = defuse(redact(text), ci=True)
    return harmless.replace("%", percent).replace("\r", "%0D").replace("\n", "%0A")
