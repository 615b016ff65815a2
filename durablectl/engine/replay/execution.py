"""What runs one execution of an orchestrator, whichever SDK its code is written for; no clock, no
I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.history.events import Event, Inbound


class Execution(Protocol):
    """One execution of an orchestrator function; see `OrchestratorExecutor`."""

    def run(self, new: Sequence[Inbound], now: datetime) -> Episode:
        """One episode: take in what arrived and say what follows."""

    def rebuild(self, past: Sequence[Event]) -> None:
        """Bring a fresh execution to where its history has left it."""

    def close(self) -> None:
        """End the user's code. Idempotent."""

    def where(self) -> str:
        """The place in the orchestrator function that runs or waits now; "" when it has none."""


def new_execution(orchestrator: Orchestrator, instance_id: str, execution_id: str) -> Execution:
    """A fresh execution of a function, which has seen nothing yet."""
    if orchestrator.begin is not None:
        begun: Execution = orchestrator.begin(instance_id, execution_id)
        return begun
    return OrchestratorExecutor(orchestrator, instance_id, execution_id)
