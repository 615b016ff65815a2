"""What a step of an instance may be called by: its number, or a name that is there once."""

from __future__ import annotations

from durablectl.history.steps import Kind
from durablectl.history.timeline import steps
from durablectl.model import InstanceStatus


def step_names(status: InstanceStatus) -> list[str]:
    """The numbers of the steps of a status with its history, and the names of the activities and
    sub-orchestrators that are called once.
    """
    found = steps(status)
    names = [each.name for each in found if each.kind in (Kind.ACTIVITY, Kind.CHILD)]
    return [str(each.number) for each in found] + [name for name in names if names.count(name) == 1]
