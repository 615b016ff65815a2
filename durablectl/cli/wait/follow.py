"""An instance's steps from a hub: with those of its sub-orchestrations, once or until it is
finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from durablectl.errors import DurablectlError, InstanceNotFound, ServiceError
from durablectl.history.steps import Step
from durablectl.history.timeline import steps, with_children
from durablectl.model import HistoryEvent, InstanceStatus
from durablectl.polling.loop import gone, poll
from durablectl.taskhub import TaskHub

DEEPEST = 16
MOST_CHILDREN = 100  # of one instance: each is a request of its own


def with_history(hub: TaskHub, instance_id: str) -> InstanceStatus:
    """The status of an instance with its history."""
    return hub.get_status(instance_id, show_history=True, show_history_output=True)


def steps_of(hub: TaskHub, status: InstanceStatus, levels: int, depth: int = 0) -> tuple[Step, ...]:
    """The steps of a status with its history, and below its sub-orchestrations theirs, N
    levels deep.
    """
    own = steps(status, depth)
    if levels <= 0:
        return own
    called = list(dict.fromkeys(step.child for step in own if step.child is not None))[
        :MOST_CHILDREN
    ]
    return with_children(
        own, {child: found for child in called if (found := _child(hub, child, levels, depth))}
    )


def _child(hub: TaskHub, instance_id: str, levels: int, depth: int) -> tuple[Step, ...]:
    try:
        status = with_history(hub, instance_id)
    except (InstanceNotFound, ServiceError):
        return ()  # purged, or too new to be shown: its parent's step still tells how it went
    return steps_of(hub, status, levels - 1, depth + 1)


def follow(
    hub: TaskHub,
    instance_id: str,
    interval: float,
    levels: int,
    *,
    show: Callable[[InstanceStatus, tuple[Step, ...]], None],
    on_trouble: Callable[[DurablectlError], None],
) -> InstanceStatus:
    """Show the status with its history, and its steps, again and again until it is final: the last
    one. A look that fails after the first is told and tried again.
    """
    last = with_history(hub, instance_id)
    show(last, steps_of(hub, last, levels))

    def look(limited: TaskHub, _elapsed: float) -> None:
        nonlocal last
        try:
            status = with_history(limited, instance_id)
            found = steps_of(limited, status, levels)
        except InstanceNotFound as error:
            raise gone(last, error) from error
        last = status
        show(status, found)

    if not last.is_final:
        poll(hub, look, lambda: last.is_final, interval=interval, on_trouble=on_trouble)
    return last


class News:
    """What is new since the last look.

    A new execution (continue-as-new) has a history of its own: all of it is new.
    """

    def __init__(self) -> None:
        self._shown: dict[tuple[object, ...], tuple[object, ...]] = {}
        self._execution: datetime | None = None

    def begins_anew(self, status: InstanceStatus) -> bool:
        """Whether this is another execution than the last one; to be asked first."""
        first = status.history[0].timestamp if status.history else None
        is_other = first is not None and self._execution is not None and first != self._execution
        self._execution = first or self._execution
        if is_other:
            self._shown.clear()
        return is_other

    def events(self, status: InstanceStatus) -> tuple[HistoryEvent, ...]:
        """Those that were not there before: a call's own event goes once it is answered, so they
        are told apart by what they say.
        """
        events = [
            event for event in status.history or () if _mark(event.members) not in self._shown
        ]
        self._shown |= {_mark(event.members): () for event in events}
        return tuple(events)

    def steps(self, found: tuple[Step, ...]) -> tuple[Step, ...]:
        """Those that were not there before, or have become something else."""
        counted: dict[tuple[object, ...], int] = {}
        news = []
        for step in found:
            number = counted[step.key] = counted.get(step.key, 0) + 1
            now = (step.state, step.end, step.attempts)
            if self._shown.get((*step.key, number)) != now:
                self._shown[(*step.key, number)] = now
                news.append(step)
        return tuple(news)


def _mark(members: Mapping[str, object]) -> tuple[object, ...]:
    return tuple((name, repr(value)) for name, value in members.items())
