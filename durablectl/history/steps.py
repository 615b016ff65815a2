"""The steps of an instance, as values: what a timeline is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from durablectl.model import HistoryEvent


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
    `number` counts the instance's own steps, from 1. `first` and `last` are the history events that
    tell of its first attempt and of its last, or of a message and of its answer.
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
    number: int | None = field(default=None, compare=False)
    first: HistoryEvent | None = field(default=None, compare=False, repr=False)
    last: HistoryEvent | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for a step that continues and for the one that it becomes."""
        # when the wait for an event began is known only once the code has continued
        begin = self.end if self.kind is Kind.EVENT and self.end is not None else self.begin
        return self.depth, begin, self.kind, self.name, self.child

    @property
    def order(self) -> tuple[object, ...]:
        """What steps are sorted by: their places in the complete history where it is known, which
        is the order of the code, else their times.
        """
        place = self.first.position if self.first is not None else math.inf
        return self.kind is Kind.ENDED, self.kind is not Kind.STARTED, place, self.begin


@dataclass(slots=True)
class Call:
    """A call while the history is read."""

    step: Step


@dataclass(slots=True)
class Timer:
    step: Step
    fire_at: datetime
    retries: bool = False
