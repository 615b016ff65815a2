"""Explains an instance of any hub: what its history proves, its sub-orchestrations included."""

from __future__ import annotations

from collections.abc import Sequence

from durablectl.errors import InstanceNotFound, ServiceError
from durablectl.explanation.building import Refined, explain_status
from durablectl.explanation.model import Explanation, StepKind, Wait
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub

NO_NAME = (
    "the name of the external event, if it waits for one: the history has no name until the event "
    "arrives; --app PATH finds it"
)
MAYBE_CANCELLED = "whether the timer still counts: one that was cancelled looks the same here"


class HistorySource:
    """What the histories of a hub say, and nothing else."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub

    def find(self, instance_id: str) -> InstanceStatus | None:
        try:
            return self.get(instance_id)
        except (InstanceNotFound, ServiceError):
            return None

    def get(self, instance_id: str) -> InstanceStatus:
        """The status with its history; `InstanceNotFound` when there is none.

        The inputs are asked for: what an entity was called with, and why an instance was
        terminated, are inputs of history events.
        """
        return self._hub.get_status(instance_id, show_history=True)

    def refine(self, status: InstanceStatus, waits: Sequence[Wait]) -> Refined:
        if status.runtime_status is RuntimeStatus.PENDING:
            may_be = f"the app may be stopped or busy, or have no orchestrator '{status.name}'"
            return Refined((), unknown=(f"why it has not started: {may_be}",))
        kinds = {each.kind for each in waits}
        unknown = [] if kinds - {StepKind.EVENT, StepKind.TIMER} or not kinds else [NO_NAME]
        if StepKind.TIMER in kinds and len(kinds) > 1:
            unknown.append(MAYBE_CANCELLED)
        return Refined(tuple(waits), unknown=tuple(unknown))


def explain_instance(hub: TaskHub, instance_id: str) -> Explanation:
    """What an instance does or waits for, and why; `InstanceNotFound` when there is none."""
    source = HistorySource(hub)
    return explain_status(source.get(instance_id), source)
