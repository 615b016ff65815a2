"""What `wait --until` waits for: whether an expression holds for an instance, and why not when that
has ended.

Asks no hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from durablectl import wire
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.query import compiled, holds, reads

STATUS = "runtimeStatus"
ENDED = "before --until came true"
DEAD = f"and --until holds for it only if the expression mentions {STATUS}"


@dataclass(frozen=True, slots=True)
class Until:
    """A compiled expression.

    An instance that ended other than Completed leaves its last custom status behind, which proves
    nothing: for such a one it holds only if it reads the runtime status itself."""

    text: str
    _expression: Any
    _reads_status: bool

    @classmethod
    def of(cls, text: str) -> Self:
        """`UsageError` when it is not an expression."""
        expression = compiled(text)
        return cls(text, expression, reads(expression, STATUS))

    @property
    def needs_input(self) -> bool:
        """Whether it may ask for the input, which is not fetched otherwise."""
        return "input" in self.text

    def __call__(self, status: InstanceStatus) -> bool:
        return not self._is_dead(status) and self._is_true(status)

    def why_not(self, status: InstanceStatus) -> str:
        """The end of a sentence about an instance that has ended, and for which it does not
        hold."""
        return DEAD if self._is_dead(status) and self._is_true(status) else ENDED

    def _is_dead(self, status: InstanceStatus) -> bool:
        return (
            status.is_final
            and status.runtime_status is not RuntimeStatus.COMPLETED
            and not self._reads_status
        )

    def _is_true(self, status: InstanceStatus) -> bool:
        return holds(self._expression, wire.condition_json(status, status.details))
