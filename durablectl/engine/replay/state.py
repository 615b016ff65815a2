"""What an execution has decided and what it waits for; shared by its context, its tasks and its
replay.

No clock, no I/O.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from durablectl.history.events import Decision, EventRaised, EventSent

if TYPE_CHECKING:
    from durablectl.engine.replay.tasks import EntityCallTask, EventTask, Task

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
MAX_ACTIONS = 100_000
"""Decisions of one execution (MaxOrchestrationActions)."""


@dataclass(slots=True, eq=False)
class ExecutionState:
    """The open ends of one execution.

    `pending` are decisions that no episode has handed out yet, by their number. `open` are the
    tasks that keep an instance running, `replies` the entity calls by request id. `cancelled` are
    timers taken back since the last episode. `retries` are the numbers of decisions that a retry
    made: what else waits for a task to be tried to its end does not hold them. `retried` are the
    tasks that have failed since the last episode and are tried again.
    """

    instance_id: str
    execution_id: str
    now: datetime = BEFORE_ALL
    is_replaying: bool = False
    used: int = 0
    pending: dict[int, Decision] = field(default_factory=dict)
    open: dict[int, Task] = field(default_factory=dict)
    replies: dict[str, EntityCallTask] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    retries: set[int] = field(default_factory=set)
    retried: set[int] = field(default_factory=set)
    _waiters: dict[str, list[EventTask]] = field(default_factory=dict)
    _buffered: dict[str, deque[tuple[int, EventRaised]]] = field(default_factory=dict)

    def next_number(self) -> int:
        """The next sequence number."""
        number = self.used
        if number >= MAX_ACTIONS:
            raise RuntimeError(
                f"an execution may have {MAX_ACTIONS:,} actions and this one asks "
                "for more: use continue_as_new"
            )
        self.used = number + 1
        return number

    def request_id(self, number: int) -> str:
        """The id of the entity request with this sequence number: the same in every replay."""
        return str(uuid5(NAMESPACE_OID, f"{self.execution_id}:{number}"))

    def keep_request_id(self, sent: EventSent) -> None:
        """Await the reply under the id that was really sent: an execution that was rewound has
        another id than when it sent it.
        """
        made, recorded = self.request_id(sent.task_id), json.loads(sent.input or "{}").get("id")
        if made in self.replies and isinstance(recorded, str):
            self.replies[recorded] = self.replies.pop(made)

    def take_or_wait(self, name: str, waiter: EventTask) -> EventRaised | None:
        """The oldest buffered event of the name; None when there is none, and `waiter` gets the
        next one before older waiters do.
        """
        # the original compares the names of events without regard to case
        key = name.lower()
        early = self._buffered.get(key)
        if early:
            return early.popleft()[1]
        self._waiters.setdefault(key, []).append(waiter)
        return None

    def deliver(self, event: EventRaised, arrival: int) -> None:
        """Give the event to the newest waiter of its name, or keep it.

        `arrival` orders the events of all names.
        """
        # a reply is named by the id of its request, which no app gives to an event
        reply = self.replies.pop(event.name, None) if self.replies else None
        if reply is not None:
            reply.receive(self, event.input)
            return
        key = event.name.lower()
        waiters = self._waiters.get(key)
        if waiters:
            waiters.pop().receive(self, event.input)
        else:
            self._buffered.setdefault(key, deque()).append((arrival, event))

    def buffered(self, name: str) -> list[EventRaised]:
        """The kept events of a name in order of arrival."""
        return [event for _, event in self._buffered.get(name.lower(), ())]

    def stop_waiting(self) -> None:
        """Take no more events: all that come are kept for the next execution."""
        self._waiters.clear()

    def unconsumed(self) -> list[EventRaised]:
        """The kept events in order of arrival."""
        # kept by name, but the next execution sees them in the order of all
        kept = sorted(
            (item for early in self._buffered.values() for item in early), key=lambda item: item[0]
        )
        return [event for _, event in kept]

    def clear(self) -> None:
        """Forget everything: tasks and execution state refer to each other."""
        for part in (
            self.pending,
            self.open,
            self.replies,
            self.retries,
            self.retried,
            self._waiters,
            self._buffered,
        ):
            part.clear()
