"""Whether anything grows: the medians of the last third of a soak against those of the second; the
first is for warming up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEGA = 1024 * 1024
SLACK = {
    "memory": (1.05, 2 * MEGA),
    "threads": (1.0, 1),
    "handles": (1.0, 2),
    "size": (1.10, 1 * MEGA),
}
"""By what factor, and how much more, the last third may lie above the second."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured again and again: of whom, what kind of thing, and the values."""

    who: str
    kind: str
    values: Sequence[float]

    @property
    def thirds(self) -> tuple[float, float]:
        third = max(1, len(self.values) // 3)
        return median(self.values[-2 * third : -third] or self.values), median(self.values[-third:])

    @property
    def grows(self) -> bool:
        before, after = self.thirds
        factor, more = SLACK[self.kind]
        return after > before * factor + more

    def row(self) -> str:
        is_bytes = self.kind in ("memory", "size")
        shown = [
            f"{value / MEGA:.1f} MB" if is_bytes else f"{value:.0f}"
            for value in (*self.thirds, max(self.values))
        ]
        return (
            f"| {self.who} | {self.kind} | {' | '.join(shown)} | "
            f"{'GROWS' if self.grows else 'flat'} |"
        )


def table(all_series: Sequence[Series]) -> str:
    head = "| | | second third | last third | most | |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(series.row() for series in all_series)])
