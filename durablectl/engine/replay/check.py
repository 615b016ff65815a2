"""Replays an instance that has ended, from its own history, and tells where the code decides
something else, and where it relies on what only this engine does: such code fails on Azure.

No clock, no I/O, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from durablectl.engine.registry import Orchestrator, Registry
from durablectl.engine.replay.exact import episodes_of, follow_complete
from durablectl.engine.replay.following import Break, shown, verdict_of
from durablectl.engine.replay.nondeterminism import described
from durablectl.engine.replay.portability import Reliance, Watch
from durablectl.history.events import Event, ExecutionRewound
from durablectl.history.exported import RawHistory
from durablectl.history.importing import REASON as IMPORTED
from durablectl.history.restart import RESTARTED
from durablectl.history.verdict import Confidence, Verdict


@dataclass(frozen=True, slots=True)
class FinishedExecution:
    """What is checked: one execution with its complete events, ended or evicted from memory."""

    key: int
    instance_id: str
    execution_id: str
    name: str
    events: Sequence[Event]


CheckResult = Verdict | Reliance
"""What the check reports: code that does not repeat its decisions, or relies on this engine."""


class ReplayCheck:
    """Checks each execution once, and reports each orchestrator and line once.

    `report` gets the verdict of one whose code did not repeat its decisions: kind, name, input,
    time of a timer, id of a child, and the output are compared. Code that asks `is_replaying` may
    differ: that is the one declared difference of an engine which keeps orchestrators in memory
    (docs/fidelity.md, point 13). One that was rewound, restarted from a step or imported is not
    checked. It also gets each point of docs/fidelity.md, once for each function, where a function
    relies on this engine being kinder than the service. `is_checked` leaves orchestrators out, by
    name.
    """

    def __init__(
        self,
        registry: Registry,
        report: Callable[[CheckResult], None],
        *,
        is_checked: Callable[[Orchestrator], bool] = lambda _orchestrator: True,
    ) -> None:
        self._registry, self._report, self._is_checked = registry, report, is_checked
        self._reported: set[tuple[str, str]] = set()
        self._relied: set[tuple[str, int]] = set()

    def relies(self, found: Iterable[Reliance]) -> None:
        """Report what a function relies on, unless it has been reported."""
        for each in found:
            key = (each.name.lower(), each.point)
            if key not in self._relied:
                self._relied.add(key)
                self._report(each)

    def check(self, finished: FinishedExecution) -> None:
        """Replay one execution. What its code prints is to be dropped by the caller."""
        orchestrator = self._registry.orchestrators.get(finished.name)
        if orchestrator is None or not self._is_checked(orchestrator):
            return
        difference = None
        if orchestrator.begin is None:
            watch = Watch(orchestrator, finished.instance_id, finished.execution_id)
            difference = _difference(finished, watch)
            if any(_is_rewind(event) for event in finished.events):
                watch.rewound()
            self.relies(watch.found())
            if difference is None:
                return
        # Its history was written by another instance, or by code before it was fixed.
        if any(isinstance(event, ExecutionRewound) for event in finished.events):
            return
        history = RawHistory(
            finished.instance_id, finished.execution_id, finished.name, tuple(finished.events)
        )
        followed = follow_complete(history, orchestrator, with_inputs=True)
        followed.execution.close()
        verdict = followed.verdict
        if verdict.fits:  # perhaps it differs from run to run, and this run happens to be the same
            verdict = verdict_of(history, Confidence.EXACT, difference)
        place = (finished.name.lower(), verdict.place)
        if verdict.fits or followed.looked_at_replaying or place in self._reported:
            return
        self._reported.add(place)
        self._report(verdict)


def _is_rewind(event: Event) -> bool:
    """Whether somebody rewound the instance: an import or a restart from a step looks the same, but
    for its reason.
    """
    return isinstance(event, ExecutionRewound) and not (event.reason or "").startswith(_MOVED)


def _difference(finished: FinishedExecution, watch: Watch) -> Break | None:
    """What comes out of an episode in another way than it did, roughly; None when nothing does.

    That is quick to see, and nearly always so; only where it is not, the place is looked for.
    """
    execution = watch.executor
    try:
        for episode in episodes_of(finished.events):
            place = execution.where()
            watch.arrives(episode.inbound)
            made = execution.run(episode.inbound, episode.at)
            watch.made(made)
            decisions = [each for _, each in episode.decisions]
            _, ending = episode.ending or (None, None)
            if made.decisions != decisions or made.ending != ending:
                had = [described(each, with_input=True) for each in decisions] or [shown(ending)]
                has = [described(each, with_input=True) for each in made.decisions]
                got = ", ".join(has or [shown(made.ending)])
                return Break(None, ", ".join(had), f"has {got}", execution.where() or place)
    finally:
        execution.close()
    return None


_MOVED = (IMPORTED, RESTARTED)


def warning_of(verdict: CheckResult) -> str:
    """What was found as one sentence for people."""
    if isinstance(verdict, Reliance):
        return verdict.sentence
    at = f" at {verdict.place}" if verdict.place else ""
    return (
        f"orchestrator '{verdict.name}' does not repeat its decisions{at}: it had "
        f"{verdict.expected}, and in a replay it {verdict.got} (instance '{verdict.instance_id}'). "
        "On Azure it would fail or hang: do not use random values, the clock or globals there"
    )
