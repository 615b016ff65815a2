"""What became of judging a history against code: whether it fits, and where it breaks; values
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Judgement(StrEnum):
    """Whether an orchestrator's code makes the decisions that a history proves."""

    FITS = "fits"
    BREAKS = "breaks"
    CANNOT_JUDGE = "cannot judge"


class Confidence(StrEnum):
    """How complete the history was.

    EXACT: with task ids and episodes, from a local hub or a DTFx array. RECONSTRUCTED: from the
    HTTP API, which leaves them out.
    """

    EXACT = "exact"
    RECONSTRUCTED = "reconstructed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of replaying one execution.

    `event` is the number of the event in the history, from 0, that the code does not match:
    `expected` is what history has there, `got` what the code does, `place` where in the code
    (`file.py:12`, "" when it is not in the code). `reason` says why nothing can be judged.
    `warnings` are differences that the history does not prove.
    """

    instance_id: str
    name: str
    judgement: Judgement
    confidence: Confidence | None = None
    event: int | None = None
    expected: str = ""
    got: str = ""
    place: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.judgement is Judgement.FITS

    @property
    def sentence(self) -> str:
        """What there is to say about it, on one line; "" when it fits."""
        match self.judgement:
            case Judgement.FITS:
                return ""
            case Judgement.CANNOT_JUDGE:
                return self.reason
        where = f" at {self.place}" if self.place else ""
        event = "" if self.event is None else f"event {self.event}: "
        return f"{event}history has {self.expected}, the code {self.got}{where}"

    def to_json(self) -> dict[str, Any]:
        """All of it; members that do not apply are null."""
        return {
            "instanceId": self.instance_id,
            "name": self.name,
            "verdict": self.judgement.value,
            "confidence": None if self.confidence is None else self.confidence.value,
            "event": self.event,
            "expected": self.expected or None,
            "got": self.got.removeprefix("has ") or None,  # a noun, as `expected` is
            "place": self.place or None,
            "reason": self.reason or None,
            "warnings": list(self.warnings),
        }
