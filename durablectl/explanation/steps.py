"""What the history of an execution says, as an explanation needs it: steps, failures, and what
people did to it. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from durablectl.causes import Cause, cause_of_event
from durablectl.explanation.model import Intervention, Received, StepKind, Wait
from durablectl.history.steps import Kind, State, Step
from durablectl.history.timeline import steps, time_in
from durablectl.model import InstanceStatus, RuntimeStatus

KINDS = {
    Kind.ACTIVITY: StepKind.ACTIVITY,
    Kind.CHILD: StepKind.CHILD,
    Kind.ENTITY: StepKind.ENTITY,
    Kind.TIMER: StepKind.TIMER,
    Kind.EVENT: StepKind.EVENT,
}
RETRY_FOLLOWS = timedelta(seconds=5)
"""A timer that is created later after a failure than this does not belong to a retry."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The steps of an execution in the order of their beginnings, without what only frames them.

    `failed` are the calls that failed for good, in the order of their ends. `last` is when its last
    event happened. `suspended` is None once it was resumed.
    """

    steps: tuple[Step, ...]
    failed: tuple[Step, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    last: datetime | None = None
    suspended: Intervention | None = None
    terminated: Intervention | None = None

    def received(self, unused: Sequence[str] | None = None) -> tuple[Received, ...]:
        """The external events that have arrived; `unused` names those that the code still keeps.

        Where the code is not at hand, those did not let it continue after which it has decided
        nothing.
        """
        events = [step for step in self.steps if step.kind is Kind.EVENT and step.end is not None]
        if unused is None:
            return tuple(Received(step.name, step.end, self._is_used(step)) for step in events)
        left, found = Counter(each.lower() for each in unused), list[Received]()
        for step in reversed(events):
            is_used = left[step.name.lower()] == 0
            left[step.name.lower()] -= not is_used
            found.append(Received(step.name, step.end, is_used))
        return tuple(reversed(found))

    def _is_used(self, event: Step) -> bool | None:
        if event.end is not None and event.begin < event.end:
            return True
        others = [step.begin for step in self.steps if step.kind is not Kind.EVENT]
        return None if others and max(others) > event.begin else False


def execution_of(status: InstanceStatus) -> Execution:
    """What the history of a status says; nothing when it has none."""
    found, events = steps(status), status.history or ()
    times = [event.timestamp for event in events if event.timestamp is not None]
    started = [step.begin for step in found if step.kind is Kind.STARTED]
    ended = [step.begin for step in found if step.kind is Kind.ENDED]
    suspended = [step for step in found if step.name == "suspended" and step.end is None]
    terminated = [
        Intervention(event.timestamp, str(event.members.get("Input") or ""))
        for event in events
        if event.event_type == "ExecutionTerminated"
    ]
    failed = [step for step in found if step.state is State.FAILED and step.kind in KINDS]
    return Execution(
        tuple(step for step in found if step.kind in KINDS),
        tuple(sorted(failed, key=_end)),
        started[0] if started else None,
        ended[-1] if ended else None,
        times[-1] if times else None,
        Intervention(suspended[-1].begin, suspended[-1].detail) if suspended else None,
        terminated[0] if terminated else None,
    )


def cause_of_step(step: Step) -> Cause:
    """Why a call failed."""
    is_call = step.kind in (Kind.ACTIVITY, Kind.CHILD)
    return cause_of_event(step.last.members) if is_call and step.last else Cause(step.detail)


def waits_of(status: InstanceStatus, execution: Execution) -> list[Wait]:
    """What is open in an execution that has started and not ended; an event without a name when
    nothing is.
    """
    found = [_wait(step, execution) for step in execution.steps if step.end is None]
    is_started = status.runtime_status in (RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED)
    if found or not is_started or status.is_entity or status.history is None:
        return found
    return [Wait(StepKind.EVENT, since=execution.last)]


def _wait(step: Step, execution: Execution) -> Wait:
    kind, members = KINDS[step.kind], step.last.members if step.last is not None else {}
    since = step.last.timestamp if step.last is not None else step.begin
    match kind:
        case StepKind.TIMER:
            made = Wait(kind, since=since, until=time_in(members, "FireAt"))
            if (failed := _failed_before(step, execution)) is None:
                return made
            text = cause_of_step(failed).text
            return replace(made, name=failed.name, attempt=failed.attempts, last_failure=text)
        case StepKind.EVENT:
            return Wait(kind, since=since)
        case StepKind.ENTITY:
            target = str(members.get("InstanceId") or "")
            operation = step.name.removeprefix(target).strip()
            return Wait(kind, operation, since=since, instance_id=target)
    return Wait(kind, step.name, since=since, attempt=step.attempts, instance_id=step.child or "")


def _failed_before(timer: Step, execution: Execution) -> Step | None:
    """The call whose failure a timer follows: the first half of a retry, or of code that sleeps."""
    place = bisect_right(execution.failed, timer.begin, key=_end)
    step = execution.failed[place - 1] if place else None
    return step if step is not None and timer.begin - _end(step) < RETRY_FOLLOWS else None


def _end(step: Step) -> datetime:
    return step.end or step.begin
