"""Why an instance failed: down its sub-orchestrations to the innermost cause; pure but for the
statuses that it is given.
"""

from __future__ import annotations

from collections.abc import Callable

from durablectl.causes import Cause
from durablectl.explanation.model import FailedCall, FailedInstance, Failure
from durablectl.explanation.steps import KINDS, Execution, cause_of_step, execution_of
from durablectl.frames import app_lines
from durablectl.history.steps import Kind, Step
from durablectl.model import InstanceStatus, RuntimeStatus

DEEPEST = 16
MOST_SIBLINGS = 20
Find = Callable[[str], InstanceStatus | None]


def failure_of(
    status: InstanceStatus, execution: Execution, find: Find
) -> tuple[Failure, tuple[str, ...]]:
    """The failure of a failed instance, and what could not be found out about it.

    `find` gets the status of a sub-orchestration with its history, None when it is gone.
    """
    chain: list[FailedInstance] = []
    siblings: list[FailedCall] = []
    unknown: list[str] = []
    step: Step | None = None
    while len(chain) < DEEPEST:
        step = _failed_step(execution, status.cause)
        call = None if step is None else _call(step)
        chain.append(FailedInstance(status.instance_id, status.name, call))
        siblings += [_call(each) for each in execution.failed if each is not step]
        if step is None or step.child is None:
            break
        child = find(step.child)
        if child is None:
            gone = "it is not there: it never started, or was purged"
            unknown.append(f"how sub-orchestration '{step.child}' failed: {gone}")
        if child is None or child.runtime_status is not RuntimeStatus.FAILED:
            break
        status, execution = child, execution_of(child)
    cause = _innermost(status, step)
    if not cause.traceback:
        unknown.append("where it failed: the hub has no traceback of it")
    frames = tuple(app_lines(cause.traceback))
    made = Failure(cause.text, cause.place, frames, tuple(chain), tuple(siblings[:MOST_SIBLINGS]))
    return made, tuple(unknown)


def _failed_step(execution: Execution, cause: Cause | None) -> Step | None:
    """The failed call that the instance failed with; None when its own code raised."""
    text = cause.text if cause is not None else ""
    return next(
        (step for step in reversed(execution.failed) if cause_of_step(step).text == text), None
    )


def _call(step: Step) -> FailedCall:
    name = step.name if step.kind is not Kind.CHILD else f"{step.name} {step.child or ''}".strip()
    return FailedCall(KINDS[step.kind], name, step.attempts, cause_of_step(step).text)


def _innermost(status: InstanceStatus, step: Step | None) -> Cause:
    cause = status.cause or Cause("")
    if step is None or cause.traceback:
        return cause
    told = cause_of_step(step)
    return told if told.traceback or not cause.text else cause
