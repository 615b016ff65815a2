"""An explanation in words: labels, notes and the one-line form; writes nothing, asks no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from durablectl.explanation.model import (
    Explanation,
    FailedCall,
    Failure,
    Progress,
    Received,
    Span,
    StepKind,
    TimeSpent,
    Wait,
)
from durablectl.model import InstanceDetails, RuntimeStatus
from durablectl.quoting import nearest
from durablectl.render.gantt import span_text
from durablectl.render.views import duration_text, tags_text, time_text

MOST_LINES = 20
"""Of one list; the JSON has more."""
SHOWN_OF_PATH = 8
MOST_UNUSED = 3
_UNKNOWN = re.compile(r"The function '.*' doesn't exist, is disabled, or is not an orchestrator")


class Line(NamedTuple):
    """One line of a list: what, where in the code, and what is known of it; indented by `depth`."""

    label: str
    place: str = ""
    note: str = ""
    depth: int = 0


def headline(explanation: Explanation, now: datetime) -> str:
    """The instance, its status, and since when."""
    made, status = explanation, explanation.runtime_status
    name = "" if made.name in ("", made.instance_id) else f" ({made.name})"
    head, at = f"{made.instance_id}{name}", made.since
    if made.intervention is not None:
        at = made.intervention.at or at
    ago = duration_text((now - at).total_seconds())
    match status:
        case RuntimeStatus.COMPLETED:
            spent = made.time_spent
            took = "" if spent is None else f"; it took {span_text(spent.seconds)}"
            return f"{head} Completed {ago} ago{took}"
        case RuntimeStatus.FAILED:
            return f"{head} Failed {ago} ago"
        case RuntimeStatus.TERMINATED | RuntimeStatus.CANCELED:
            return f"{head} was {status.value} {ago} ago"
        case RuntimeStatus.SUSPENDED:
            return f"{head} has been Suspended for {ago}"
        case RuntimeStatus.PENDING:
            if (left := _until_start(made, now)) is not None:
                return f"{head} is Pending; it starts in {left}"
            ago = duration_text((now - made.created).total_seconds())
            return f"{head} is Pending; it has waited for its start for {ago}"
    if made.instance_id.startswith("@"):
        return f"{head} is an entity: it runs operations as they come"
    return f"{head} is {status.value}; waiting for {ago}"


def details_line(details: InstanceDetails) -> str:
    """What a hub knows of an instance beyond its status, on one line; "" for nothing."""
    known = (
        details.version and f"version {details.version}",
        details.tags and f"tags {tags_text(details.tags)}",
        details.parent_instance_id and f"called by '{details.parent_instance_id}'",
    )
    return "; ".join(each for each in known if each)


def _until_start(made: Explanation, now: datetime) -> str | None:
    """How long it is until an instance starts that was asked to start later."""
    start = made.details.scheduled_start
    is_ahead = made.runtime_status is RuntimeStatus.PENDING and made.details.starts_after(now)
    return duration_text((start - now).total_seconds()) if start and is_ahead else None


def unused_events(explanation: Explanation, now: datetime) -> Iterator[str]:
    """The latest events that have come and that the code does not wait for, each with the one that
    was probably meant.
    """
    waits = explanation.waiting_for
    awaited = list(_awaited_events(waits, explanation.instance_id))
    may_be = any(wait.kind is StepKind.TIMER and wait.is_awaited is None for wait in waits)
    if not awaited and not may_be:
        return
    names = {wait.name.lower() for owner, wait in awaited if owner == explanation.instance_id}
    is_suspended = explanation.runtime_status is RuntimeStatus.SUSPENDED
    unused = [
        each
        for each in explanation.received
        if (each.is_used is False or not each.is_delivered)
        and not (each.name.lower() in names and (is_suspended or not each.is_delivered))
    ]
    latest = {each.name: each for each in unused}
    for each in list(latest.values())[-MOST_UNUSED:]:
        yield _unused(each, explanation.instance_id, awaited, now)


def _unused(event: Received, own: str, awaited: Sequence[tuple[str, Wait]], now: datetime) -> str:
    ago = "" if event.at is None else f" {duration_text((now - event.at).total_seconds())} ago"
    came = f"event '{event.name}' came{ago}"
    near = nearest(event.name, (wait.name for _, wait in awaited if wait.name))
    owner = next((owner for owner, wait in awaited if wait.name == near), own)
    if owner != own:
        return f"{came}, but it is '{owner}' that waits for '{near}'"
    if near is not None:
        return f"{came}, but the code waits for '{near}'"
    if all(not wait.name for _, wait in awaited):
        if not event.is_delivered:
            return f"{came}; no worker has processed it yet"
        return f"{came}, and did not let it continue"
    return f"{came}; nothing waits for it yet"


def _awaited_events(waits: Sequence[Wait], owner: str) -> Iterator[tuple[str, Wait]]:
    for wait in waits:
        if wait.kind is StepKind.EVENT:
            yield owner, wait
        yield from _awaited_events(wait.waiting_for, wait.instance_id)


def wait_lines(
    waits: Sequence[Wait], received: Sequence[Received] | None, now: datetime, depth: int = 0
) -> Iterator[Line]:
    """What is waited for, each sub-orchestration followed by its own; `received` are the events of
    the instance itself.
    """
    for wait in waits[:MOST_LINES]:
        yield Line(label(wait), wait.place, note(wait, now, received), depth)
        yield from wait_lines(wait.waiting_for, None, now, depth + 1)
    if len(waits) > MOST_LINES:
        yield Line(f"and {len(waits) - MOST_LINES} more", depth=depth)


def _step_text(kind: StepKind, name: str, instance_id: str = "") -> str:
    """What it is: `activity 'charge'`."""
    match kind:
        case StepKind.TIMER:
            return "timer"
        case StepKind.CHILD:
            return f"sub-orchestration '{name}' {instance_id}".rstrip()
    return f"{kind.value} '{name}'"


def label(wait: Wait) -> str:
    """What is waited for."""
    if wait.kind is StepKind.ENTITY:
        return f"entity {wait.instance_id}, operation '{wait.name}'"
    if wait.kind is StepKind.EVENT and not wait.name:
        return "an external event"
    return _step_text(wait.kind, wait.name, wait.instance_id)


def note(wait: Wait, now: datetime, received: Sequence[Received] | None = None) -> str:
    """What is known of it: how far it is, until when, which attempt."""
    parts = [_progress(wait, now)]
    if wait.progress is Progress.LOST:
        parts.append("another worker runs it again")
    if wait.kind is StepKind.EVENT and wait.name and received is not None:
        parts.append(_arrival(wait.name, received))
    if wait.queue:
        parts.append(f"{wait.queue} operation{'' if wait.queue == 1 else 's'} in its queue")
    if wait.progress is Progress.RETRYING:
        of = "" if wait.attempts is None else f" of {wait.attempts}"
        why = f": {wait.last_failure}" if wait.last_failure else ""
        parts = [_until(wait.until, now, "tried again"), f"attempt {wait.attempt}{of} failed{why}"]
    elif wait.kind is StepKind.TIMER and wait.last_failure:
        times = "" if wait.attempt == 1 else f" {wait.attempt} times"
        parts.append(f"after '{wait.name}' failed{times}: {wait.last_failure}")
    elif wait.attempt > 1 or wait.attempts is not None:
        of = "" if wait.attempts is None else f" of {wait.attempts}"
        parts.append(f"attempt {wait.attempt}{of}")
        parts.append(f"the last one failed: {wait.last_failure}" if wait.last_failure else "")
    if wait.called_by:
        parts.append(f"called by {wait.called_by}")
    if wait.is_awaited is False:
        parts.append("the code does not wait for it now")
    return ", ".join(part for part in parts if part)


def _arrival(name: str, received: Sequence[Received]) -> str:
    """Whether an event of the awaited name has come."""
    last = next((each for each in reversed(received) if each.name.lower() == name.lower()), None)
    if last is None:
        return "no event of that name received"
    if not last.is_delivered:
        return "it has arrived; a worker will process it"
    if last.is_used is False and last.name != name:
        return "no event of exactly that name received"
    if last.is_used is False:
        return "it has arrived; it is processed when the instance is resumed"
    return "an earlier event of that name was used"


def _progress(wait: Wait, now: datetime) -> str:
    since = "" if wait.since is None else duration_text((now - wait.since).total_seconds())
    match wait.kind:
        case StepKind.TIMER:
            return _until(wait.until, now)
        case StepKind.CHILD:
            return "not found" if wait.status is None else wait.status.value
        case StepKind.EVENT:
            return "" if wait.name else "its name is not in the history"
    match wait.progress:
        case Progress.QUEUED:
            where = "no worker has it" if wait.worker is None else f"process {wait.worker}"
            return f"queued for {since}, {where}"
        case Progress.RUNNING:
            worker = "" if wait.worker is None else f" in process {wait.worker}"
            return f"running{f' for {since}' if since else ''}{worker}"
        case Progress.LOST:
            how = "now ended" if wait.until is None else "not responding"
            return f"taken {since} ago by process {wait.worker or '?'} ({how})"
        case Progress.RETRYING:
            return _until(wait.until, now, "tried again")
    return f"called {since} ago" if since else ""


def _until(time: datetime | None, now: datetime, verb: str = "fires") -> str:
    if time is None:
        return ""
    seconds = (time - now).total_seconds()
    if seconds >= 0:
        return f"{verb} in {duration_text(seconds)}"
    return f"was due {duration_text(-seconds)} ago"


def explained_line(made: Explanation, now: datetime) -> str:
    """What an instance waits for on one line: what blocks it, else the first wait."""
    if made.is_blocked:
        return problem_line(made)
    return awaited_line(made, now) or problem_line(made)


def awaited_line(made: Explanation, now: datetime) -> str:
    """What an instance waits for, whatever keeps it from continuing: the end of a sentence."""
    if (left := _until_start(made, now)) is not None:
        return f"its start, in {left}"
    line = one_line(made.waiting_for, now)
    if made.runtime_status is RuntimeStatus.SUSPENDED:
        return f"resume; then {line}" if line else "resume"
    return line


def problem_line(made: Explanation) -> str:
    """The first thing that keeps an instance from continuing, in a few words; "" when nothing
    does.
    """
    return re.split("[,;] ", made.problems[0], maxsplit=1)[0] if made.problems else ""


def one_line(waits: Sequence[Wait], now: datetime) -> str:
    """What an instance waits for on one line: the first thing, and how many more."""
    if not waits:
        return ""
    first = waits[0]
    known = note(first, now).partition(", ")[0]
    match first.kind:
        case StepKind.ACTIVITY:
            text = label(first) + (f" ({known})" if known else "")
        case StepKind.CHILD:
            text = f"child {first.instance_id}"
        case StepKind.EVENT:
            text = label(first)
        case StepKind.ENTITY:
            text = f"entity {first.instance_id}"
        case StepKind.TIMER:
            text = f"timer, {known}" if known else "timer"
            text += f" (after '{first.name}' failed)" if first.name else ""
    if first.place:
        text += f" at {first.place}"
    return text if len(waits) == 1 else f"{text}, and {len(waits) - 1} more"


def chain_lines(failure: Failure) -> Iterator[Line]:
    """The instances that a failure came up through, the explained one first, and the call at the
    end of them.
    """
    chain = failure.chain
    for depth, each in enumerate(chain):
        yield Line(f"{each.instance_id} ({each.name})", depth=depth)
    if chain and (call := chain[-1].call) is not None:
        yield Line(call_label(call), depth=len(chain))
    elif _UNKNOWN.match(failure.cause):
        yield Line("the app that ran it does not have this orchestrator", depth=len(chain))
    elif chain:
        yield Line("the orchestrator's own code", depth=len(chain))


def call_label(call: FailedCall) -> str:
    name, instance_id = call.name, ""
    if call.kind is StepKind.CHILD:
        name, _, instance_id = name.partition(" ")
    return _step_text(call.kind, name, instance_id) + _attempts(call)


def _attempts(of: FailedCall | Span) -> str:
    return "" if of.attempts == 1 else f", {of.attempts} attempts"


def path_lines(spent: TimeSpent) -> Iterator[Line]:
    """The steps of the critical path that took longest, in order, and what the rest took."""
    longest = sorted(spent.path, key=lambda each: each.seconds, reverse=True)[:SHOWN_OF_PATH]
    for span in sorted(longest, key=lambda each: each.begin):
        yield span_line(span)
    rest = spent.seconds - spent.between - sum(each.seconds for each in longest)
    if len(spent.path) > SHOWN_OF_PATH:
        count = len(spent.path) - SHOWN_OF_PATH
        yield Line(f"{count} shorter steps", note=span_text(rest))
    yield Line("between the steps", note=span_text(spent.between))


def span_line(span: Span) -> Line:
    name = _step_text(span.kind, span.name, span.instance_id)
    return Line(name, note=span_text(span.seconds) + _attempts(span))


def intervention_line(explanation: Explanation) -> str:
    """When it was suspended or ended from outside, and the reason that was given."""
    told = explanation.intervention
    if told is None:
        return ""
    verb = "suspended" if explanation.runtime_status is RuntimeStatus.SUSPENDED else "ended"
    at = "" if told.at is None else f" at {time_text(told.at)}"
    return f"{verb}{at}, {'reason: ' + told.reason if told.reason else 'without a reason'}"
