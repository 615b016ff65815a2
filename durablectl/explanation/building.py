"""Builds the explanation of an instance from its status, its history, and what else its hub can
say; no clock, no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from durablectl.explanation.failure import failure_of
from durablectl.explanation.model import (
    Explanation,
    Intervention,
    Next,
    Progress,
    Received,
    StepKind,
    Wait,
)
from durablectl.explanation.steps import Execution, execution_of, waits_of
from durablectl.explanation.time_spent import time_spent
from durablectl.model import InstanceDetails, InstanceStatus, RuntimeStatus

DEEPEST = 16
MOST_CHILDREN = 100
"""Sub-orchestrations whose statuses are fetched for one explanation."""
MOST_WAITS = 1000
MOST_RESUMED = 20
"""Instances that one suggested command names."""
_ORDER = (StepKind.ACTIVITY, StepKind.CHILD, StepKind.ENTITY, StepKind.EVENT, StepKind.TIMER)


@dataclass(frozen=True, slots=True)
class Refined:
    """What a hub adds to what a history proves.

    `problems` keep the instance from continuing; when it `is_blocked`, nothing but the commands of
    `next` helps. Else those of `later` come after what the waits themselves suggest.
    """

    waits: tuple[Wait, ...]
    is_any: bool = False
    problems: tuple[str, ...] = ()
    next: tuple[Next, ...] = ()
    later: tuple[Next, ...] = ()
    is_blocked: bool = False
    unknown: tuple[str, ...] = ()
    unused: tuple[str, ...] | None = None
    """The names of events that the code has received and not waited for; None where the code is
    not at hand."""
    undelivered: tuple[Received, ...] = ()
    mismatch: str = ""
    """Where the code at hand does not make the decisions of the history."""
    suspended_caller: str = ""
    """The id of a caller, at any level, that is suspended."""


class Source(Protocol):
    """Where the facts come from."""

    def find(self, instance_id: str) -> InstanceStatus | None:
        """The status of an instance with its history; None when it is not there."""

    def details(self, status: InstanceStatus) -> InstanceDetails:
        """What is known of that instance beyond its status."""

    def refine(
        self, status: InstanceStatus, execution: Execution, waits: Sequence[Wait]
    ) -> Refined:
        """What an unfinished instance waits for, with all that the hub and the code add to it."""


def explain_status(status: InstanceStatus, source: Source, *, levels: int = DEEPEST) -> Explanation:
    """The explanation of an instance whose status, with its history, is at hand; its
    sub-orchestrations are followed that many `levels` deep.
    """
    status = replace(status, details=source.details(status))
    execution = execution_of(status)
    since = execution.last or status.last_updated_time
    made = Explanation(
        status.instance_id,
        status.name,
        status.runtime_status,
        status.created_time,
        max(since, status.created_time),
        received=execution.received(),
        details=status.details or InstanceDetails(),
        failure_details=status.failure_details,
    )
    match status.runtime_status:
        case RuntimeStatus.FAILED:
            failure, unknown = failure_of(status, execution, source.find)
            made = replace(made, failure=failure, unknown=unknown)
        case RuntimeStatus.COMPLETED:
            made = _finished(made, execution)
        case RuntimeStatus.TERMINATED | RuntimeStatus.CANCELED:
            made = replace(made, intervention=_ended(status, execution))
        case _:
            made = _unfinished(made, status, execution, _Gatherer(source, levels))
    return replace(made, next=(*made.next, *_next(made)))


def _finished(made: Explanation, execution: Execution) -> Explanation:
    begin, end = execution.started or made.created, execution.ended or made.since
    return replace(made, time_spent=time_spent(execution, begin, end))


def _ended(status: InstanceStatus, execution: Execution) -> Intervention:
    reason = status.output if isinstance(status.output, str) else ""
    given = execution.terminated
    if given is None:
        return Intervention(execution.ended, reason)
    return Intervention(execution.ended or given.at, reason or given.reason)


def _unfinished(
    made: Explanation, status: InstanceStatus, execution: Execution, gatherer: _Gatherer
) -> Explanation:
    refined = gatherer.refined(status, execution)
    if refined.suspended_caller:
        refined = _below_suspended(refined, refined.suspended_caller)
    made = replace(
        made,
        waiting_for=refined.waits,
        is_any=refined.is_any,
        problems=refined.problems,
        is_blocked=refined.is_blocked,
        intervention=execution.suspended,
        unknown=tuple(dict.fromkeys((*refined.unknown, *gatherer.unknown))),
        received=(*execution.received(refined.unused), *refined.undelivered),
    )
    of_waits = () if refined.is_blocked else _next_of_waits(made)
    return replace(made, next=tuple(dict.fromkeys((*refined.next, *of_waits, *refined.later))))


def _below_suspended(refined: Refined, caller: str) -> Refined:
    text = f"its caller '{caller}' is suspended, and takes no result until it is resumed"
    resume = Next(("resume", caller), note="lets the caller continue")
    return replace(refined, problems=(*refined.problems, text), later=(*refined.later, resume))


class _Gatherer:
    """Follows the sub-orchestrations of one instance down to those that block."""

    def __init__(self, source: Source, levels: int) -> None:
        self._source, self._levels, self._fetched = source, levels, 0
        self.unknown: list[str] = []

    def refined(self, status: InstanceStatus, execution: Execution, depth: int = 0) -> Refined:
        if status.runtime_status in (RuntimeStatus.PENDING, RuntimeStatus.CONTINUED_AS_NEW):
            return self._source.refine(status, execution, ())
        waits = waits_of(status, execution)
        if len(waits) > MOST_WAITS:
            self.unknown.append(f"{len(waits) - MOST_WAITS} more open steps are not shown")
            waits = waits[:MOST_WAITS]
        refined = self._source.refine(status, execution, sorted(waits, key=_rank))
        below: list[Refined] = []
        followed = []
        for wait in sorted(refined.waits, key=_rank):
            if wait.kind is not StepKind.CHILD or not wait.instance_id or depth >= self._levels:
                followed.append(wait)
                continue
            child, of_child = self._child(wait, depth)
            followed.append(child)
            below += [] if of_child is None else [of_child]
        return _with_children(refined, followed, below)

    def _child(self, wait: Wait, depth: int) -> tuple[Wait, Refined | None]:
        if self._fetched >= MOST_CHILDREN:
            self.unknown.append(
                f"only the first {MOST_CHILDREN} sub-orchestrations were followed further"
            )
            return wait, None
        self._fetched += 1
        status = self._source.find(wait.instance_id)
        if status is None:
            self.unknown.append(
                f"sub-orchestration '{wait.instance_id}' is not there: it was purged, or is not "
                "created yet"
            )
            return wait, None
        wait = replace(wait, status=status.runtime_status)
        if status.is_final:
            return wait, None
        found = self.refined(status, execution_of(status), depth + 1)
        self.unknown += found.unknown
        return replace(wait, waiting_for=found.waits), found


def _with_children(refined: Refined, waits: Sequence[Wait], children: Sequence[Refined]) -> Refined:
    """What keeps the sub-orchestrations keeps their caller."""
    parts = (refined, *children)
    return replace(
        refined,
        waits=tuple(waits),
        problems=tuple(dict.fromkeys(each for part in parts for each in part.problems)),
        next=tuple(dict.fromkeys(each for part in parts for each in part.next)),
        later=tuple(dict.fromkeys(each for part in parts for each in part.later)),
        is_blocked=any(part.is_blocked for part in parts),
    )


def _rank(wait: Wait) -> tuple[bool, int]:
    return wait.is_awaited is False, _ORDER.index(wait.kind)


def leaf(
    instance_id: str, status: RuntimeStatus, waits: Sequence[Wait]
) -> tuple[str, RuntimeStatus, Wait | None]:
    """The instance that blocks, its status, and the first thing that it waits for."""
    first = next(iter(waits), None)
    if first is not None and first.kind is StepKind.CHILD and first.status is not None:
        return leaf(first.instance_id, first.status, first.waiting_for)
    return instance_id, status, first


def _next(made: Explanation) -> tuple[Next, ...]:
    """The commands that help, by how the instance stands."""
    own = made.instance_id
    match made.runtime_status:
        case RuntimeStatus.FAILED:
            return (
                Next(("rewind", own), note="tries the failed steps again; fix the cause first"),
                Next(("restart", own), ("--new-id",), "runs it again from the start"),
            )
        case RuntimeStatus.TERMINATED | RuntimeStatus.CANCELED:
            return (Next(("restart", own), ("--new-id",), "runs it again from the start"),)
        case RuntimeStatus.COMPLETED:
            return (Next(("history", own), ("--gantt",), "shows all steps along the time"),)
    return ()


def _next_of_waits(made: Explanation) -> tuple[Next, ...]:
    if made.instance_id.startswith("@"):
        return (Next(("entity get", made.instance_id), note="shows its state"),)
    blocked, status, wait = leaf(made.instance_id, made.runtime_status, made.waiting_for)
    found = _suspended(made.instance_id, made.runtime_status, made.waiting_for)
    suspended = tuple(islice(found, MOST_RESUMED))
    note = "lets it continue" if len(suspended) == 1 else "lets them continue"
    resume = (Next(("resume", *suspended), note=note),) if suspended else ()
    if RuntimeStatus.SUSPENDED in (made.runtime_status, status):
        return resume
    return (*_next_of_wait(made.instance_id, blocked, wait), *resume)


def _suspended(instance_id: str, status: RuntimeStatus, waits: Sequence[Wait]) -> Iterator[str]:
    """The ids of the instance and of its sub-orchestrations that are suspended."""
    if status is RuntimeStatus.SUSPENDED:
        yield instance_id
    for each in waits:
        if each.status is not None:
            yield from _suspended(each.instance_id, each.status, each.waiting_for)


def _next_of_wait(instance_id: str, blocked: str, wait: Wait | None) -> tuple[Next, ...]:
    if wait is not None and wait.kind is StepKind.EVENT:
        if not wait.name:
            return ()  # the source says how to name it
        note = "add the data that the code expects as name=value"
        return (Next(("raise-event", blocked, wait.name), note=note),)
    if wait is not None and wait.progress is Progress.RUNNING:
        return (Next(("history", blocked), ("--follow",), "shows its steps as they come"),)
    return (Next(("wait", instance_id), note="waits until it has ended"),)
