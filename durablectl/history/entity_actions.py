"""What an operation of an entity sends, as values: the engine carries them out, the protocol reads
them.

Inputs are JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SentSignal:
    """A signal that an operation sends to an entity, at `due` if there is one, else at once."""

    entity_id: str
    operation: str
    input: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class StartedOrchestration:
    """An orchestration that an operation starts, at `due` if there is one, else at once."""

    instance_id: str
    name: str
    input: str | None = None
    version: str | None = None
    due: datetime | None = None


EntityAction = SentSignal | StartedOrchestration
