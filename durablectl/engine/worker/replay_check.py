"""Replays an instance that has ended, from its own history, and tells where the code decides
something else: such code fails where it is really replayed.

No clock, no I/O, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from durablectl.engine.registry import Orchestrator, Registry
from durablectl.engine.replay.exact import follow_complete
from durablectl.engine.replay.numbered import judge_numbered
from durablectl.history.events import Event, ExecutionRewound
from durablectl.history.exported import RawHistory
from durablectl.history.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Finished:
    """What is checked: one execution with its complete events, ended or evicted from memory."""

    key: int
    instance_id: str
    execution_id: str
    name: str
    events: Sequence[Event]


class ReplayCheck:
    """Checks each execution once, and reports each orchestrator and line once.

    `report` gets the verdict of one whose code did not repeat its decisions: kind, name, input,
    time of a timer, id of a child, and the output are compared. Code that asks `is_replaying` may
    differ: that is the one declared difference of an engine which keeps orchestrators in memory
    (docs/fidelity.md, point 13). One that was rewound, restarted from a step or imported is not
    checked. `is_checked` leaves orchestrators out, by name.
    """

    def __init__(
        self,
        registry: Registry,
        report: Callable[[Verdict], None],
        *,
        is_checked: Callable[[Orchestrator], bool] = lambda _orchestrator: True,
    ) -> None:
        self._registry, self._report, self._is_checked = registry, report, is_checked
        self._reported: set[tuple[str, str]] = set()

    def check(self, finished: Finished) -> None:
        """Replay one execution. What its code prints is to be dropped by the caller."""
        orchestrator = self._registry.orchestrators.get(finished.name)
        if orchestrator is None or not self._is_checked(orchestrator):
            return
        # Its history was written by another instance, or by code before it was fixed.
        if any(isinstance(event, ExecutionRewound) for event in finished.events):
            return
        history = RawHistory(
            finished.instance_id, finished.execution_id, finished.name, tuple(finished.events)
        )
        if orchestrator.begin is not None:  # an SDK with numbers of its own
            verdict, is_declared = judge_numbered(history, orchestrator), False
        else:
            followed = follow_complete(history, orchestrator, with_inputs=True)
            followed.execution.close()
            verdict, is_declared = followed.verdict, followed.looked_at_replaying
        place = (finished.name.lower(), verdict.place)
        if verdict.fits or is_declared or place in self._reported:
            return
        self._reported.add(place)
        self._report(verdict)


def warning_of(verdict: Verdict) -> str:
    """A failed check as one sentence for people."""
    at = f" at {verdict.place}" if verdict.place else ""
    return (
        f"orchestrator '{verdict.name}' does not repeat its decisions{at}: it had "
        f"{verdict.expected}, and in a replay it {verdict.got} (instance '{verdict.instance_id}'). "
        "On Azure it would fail or hang: do not use random values, the clock or globals there"
    )
