"""What one run of an orchestrator between two commits produced; values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from durablectl.history.events import (
    ContinueAsNew,
    Decision,
    Event,
    EventRaised,
    ExecutionCompleted,
)
from durablectl.model import RuntimeStatus

Ending = ExecutionCompleted | ContinueAsNew | None
"""How an execution ended; None while it continues."""


@dataclass(slots=True)
class Episode:
    """One run of an orchestrator between two commits.

    `history` is everything to append, in order: OrchestratorStarted, what came in, the decisions by
    id, the ending if there is one, OrchestratorCompleted. `decisions` are those of its events that
    ask for something to be done. `custom_status` is JSON text, None when it did not change.
    `ending` is None while the execution continues; after a ContinueAsNew, `carried_over` are the
    events that the new execution still has to see, in order of arrival. `retried` are the tasks
    that failed and are tried again; `is_passed_on` tells of a failure that the code did not catch.
    `version` is that of the new execution after a ContinueAsNew, None when it stays. With
    `drops_open` the ending leaves timers and messages behind, which are dropped.
    """

    history: list[Event]
    decisions: list[Decision]
    status: RuntimeStatus
    custom_status: str | None = None
    cancelled_timers: list[int] = field(default_factory=list)
    ending: Ending = None
    carried_over: list[EventRaised] = field(default_factory=list)
    retried: frozenset[int] = frozenset()
    is_passed_on: bool = False
    version: str | None = None
    drops_open: bool = False
