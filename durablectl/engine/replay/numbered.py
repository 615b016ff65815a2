"""A complete history against code that another SDK runs; no clock, no I/O, no store.

Its executions number their decisions as the history does, so each episode is run with what arrived
in it, and what it decides is compared number by number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.execution import Execution, new_execution
from durablectl.engine.replay.following import (
    Break,
    Ending,
    described,
    ending_break,
    shown,
    verdict_of,
)
from durablectl.engine.replay.nondeterminism import identity
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from durablectl.history.verdict import Confidence, Verdict

_Numbered = tuple[int, e.Event]


def judge_numbered(history: RawHistory, orchestrator: Orchestrator) -> Verdict:
    """Whether the code makes the decisions that the history has, and ends as it does.

    Of one that was rewound only what a replay itself refuses is found: its history lacks what is
    decided again.
    """
    execution = new_execution(orchestrator, history.instance_id, history.execution_id)
    try:
        broken = (
            _rewound(history, execution)
            if any(isinstance(each, e.ExecutionRewound) for each in history.events)
            else _followed(history, execution)
        )
    finally:
        execution.close()
    return verdict_of(history.instance_id, history.name, Confidence.EXACT, broken)


def _followed(history: RawHistory, execution: Execution) -> Break | None:
    ended: Ending = None
    for episode in _episodes(history.events):
        if ended is not None:
            return Break(episode[0][0], "more events", f"has {shown(ended)}")
        inbound = [event for _, event in episode if isinstance(event, e.Inbound)]
        made = execution.run(inbound, episode[0][1].timestamp)
        broken = _difference(episode, made, execution)
        if broken is not None:
            return broken
        ended = made.ending
    return None


def _rewound(history: RawHistory, execution: Execution) -> Break | None:
    execution.rebuild(history.events)
    made = execution.run([], history.events[-1].timestamp)
    # the SDK's executor tells it as the failure of the orchestrator
    is_refused = "NonDeterminismError" in (getattr(made.ending, "result", None) or "")
    return Break(None, "other decisions", f"has {shown(made.ending)}") if is_refused else None


def _difference(episode: Sequence[_Numbered], made: Episode, execution: Execution) -> Break | None:
    decided = {each.task_id: each for each in made.decisions}
    place = execution.where()
    for number, event in episode:
        if not isinstance(event, e.Decision):
            continue
        got = decided.pop(event.task_id, None)
        if got is None or identity(got) != identity(event):
            told = "waits" if got is None else f"has {described(got)}"
            if got is None and made.ending is not None:
                told = f"has {shown(made.ending)}"
            return Break(number, described(event), told, place)
    # what the code decides besides would have stood at the end of the episode
    last = episode[-1][0]
    if decided:
        extra = decided[min(decided)]
        return Break(last, "nothing more here", f"has {described(extra)}", place)
    number, recorded = next(
        (
            (number, event)
            for number, event in episode
            if isinstance(event, e.ExecutionCompleted | e.ContinueAsNew)
        ),
        (last, None),
    )
    told = "waits" if made.ending is None else f"has {shown(made.ending)}"
    return ending_break(recorded, made.ending, number, lambda: (told, place))


def _episodes(events: Sequence[e.Event]) -> Iterator[list[_Numbered]]:
    """The events of each episode with their numbers, the first one its OrchestratorStarted."""
    current: list[_Numbered] = []
    for number, event in enumerate(events):
        if isinstance(event, e.OrchestratorStarted) and current:
            yield current
            current = []
        current.append((number, event))
    if current:
        yield current
