"""The steps of an instance, as values: what a timeline is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Kind(Enum):
    """What a step is."""

    STARTED = "started"
    ACTIVITY = "activity"
    CHILD = "child"
    TIMER = "timer"
    EVENT = "event"
    ENTITY = "entity"
    NOTE = "note"
    ENDED = "ended"


class State(Enum):
    """How far a step is."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    `end` is None while it continues. `detail` is a result, or the innermost cause of a failure, on
    as many lines as it has.

    `attempts` counts the calls of one with retries. `child` is the instance that a
    sub-orchestration runs as; `depth` is 0 for the instance itself, 1 for its children's steps.
    """

    kind: Kind
    name: str
    begin: datetime
    end: datetime | None
    state: State = State.DONE
    detail: str = ""
    attempts: int = 1
    child: str | None = None
    depth: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """The same for a step that continues and for the one that it becomes."""
        return self.depth, self.begin, self.kind, self.name, self.child


@dataclass(slots=True)
class Call:
    """A call while the history is read."""

    step: Step


@dataclass(slots=True)
class Timer:
    step: Step
    fire_at: datetime
    retries: bool = False
