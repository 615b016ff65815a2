"""A failed history without its failures, so that the steps which failed are tried again; pure.

Only the failures that no later decision follows are taken out: one that the code has caught and
gone on from stays, since the steps after it depend on it. (The original takes out every failed
task, and its replay of such code is non-deterministic.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durablectl.history import events as e


@dataclass(frozen=True, slots=True)
class Rewound:
    """The episodes that are left, in order, and the ids of the failed children, which have to be
    rewound too.

    What failed `in_section` cannot be tried again: the locks were given back with the failure, and
    the code that is replayed takes them to be held.
    """

    episodes: tuple[tuple[e.Event, ...], ...]
    children: tuple[str, ...]
    in_section: bool = False


def rewound(episodes: Sequence[Sequence[e.Event]]) -> Rewound:
    """Take the ending and the failures that led to it out of a failed execution's episodes."""
    failed, dropped_timers = _last_failures(episodes)
    children = tuple(
        event.instance_id
        for episode in episodes
        for event in episode
        if isinstance(event, e.SubOrchestrationCreated) and event.task_id in failed
    )

    def stays(event: e.Event) -> bool:
        if isinstance(event, e.ExecutionCompleted):
            return False
        if isinstance(event, e.TaskScheduled | e.Failed):
            return event.task_id not in failed
        if isinstance(event, e.TimerCreated | e.TimerFired):
            return event.task_id not in dropped_timers
        return True

    left = tuple(tuple(filter(stays, episode)) for episode in episodes)
    in_section = any(
        follows_failure
        and isinstance(event, e.EventSent)
        and (event.name, event.instance_id[:1]) == ("release", "@")
        for event, follows_failure in _marked(episodes[-1:])
    )
    return Rewound(left, children, in_section)


def _last_failures(episodes: Sequence[Sequence[e.Event]]) -> tuple[set[int], set[int]]:
    """The task ids of the failures after the last decision, and of the timers that end a series of
    attempts.

    Such a timer fires at once, and follows a failure in its episode: that tells it from one that
    the code has set to now.
    """
    failed: set[int] = set()
    timers: set[int] = set()
    for event, follows_failure in reversed(list(_marked(episodes))):
        if isinstance(event, e.Failed):
            failed.add(event.task_id)
        elif (
            isinstance(event, e.TimerCreated)
            and event.fire_at <= event.timestamp
            and follows_failure
        ):
            timers.add(event.task_id)
        elif isinstance(event, e.Decision):
            break
    return failed, timers


def _marked(episodes: Sequence[Sequence[e.Event]]) -> Iterator[tuple[e.Event, bool]]:
    """All events in order, each with whether a failure came before it in its episode."""
    for episode in episodes:
        follows_failure = False
        for event in episode:
            yield event, follows_failure
            follows_failure = follows_failure or isinstance(event, e.Failed)
