"""Guided replay: an orchestrator's code run along a history, and where the two part; no clock, no
I/O, no store.

What `judge`, `replay` and the replay check ask. Three confidences: exact, reconstructed, cannot
judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.exact import follow_complete
from durablectl.engine.replay.following import FollowedExecution
from durablectl.engine.replay.numbered import judge_numbered
from durablectl.engine.replay.reconstructed import follow_reconstructed
from durablectl.history.exported import RawHistory
from durablectl.history.proofs import Timeline, timeline_of
from durablectl.history.saved import History, ServiceHistory
from durablectl.history.verdict import Judgement, Verdict

NEEDS_COMPLETE = (
    "the code is for azure-functions-durable 2.x, which needs a complete history: the HTTP API has "
    "none; a local hub and gRPC do (`durablectl history ID --raw`), and func durable get-history"
)


def judge_history(history: History, orchestrator: Orchestrator) -> Verdict:
    """Whether the code makes the decisions that the history proves, in their order.

    KeyboardInterrupt goes through; whatever else the code raises is the orchestrator's failure.
    """
    reason = cannot_judge(history)
    if orchestrator.begin is not None:
        if isinstance(history, RawHistory) and reason is None:
            return judge_numbered(history, orchestrator)
        reason = reason or NEEDS_COMPLETE
    if reason is not None:
        return Verdict(history.instance_id, history.name, Judgement.CANNOT_JUDGE, reason=reason)
    followed = follow_history(history, orchestrator)
    followed.execution.close()
    return followed.verdict


def cannot_judge(history: History) -> str | None:
    """Why a history proves too little to be judged; None when it can be."""
    if isinstance(history, RawHistory):
        return None if history.events else "its history is empty: it has not started yet"
    return next(iter(timeline_of(history).doubts), None)


def follow_history(history: History, orchestrator: Orchestrator) -> FollowedExecution:
    """Run the code along a history that can be judged.

    The execution is left where the history, or a break, has brought it; close it.
    """
    if isinstance(history, RawHistory):
        return follow_complete(history, orchestrator)
    return follow_reconstructed(history, _timelines(history), orchestrator)


def _timelines(history: ServiceHistory) -> Iterator[Timeline]:
    # each attempt marks the proofs that it has made, so the next one needs its own
    while True:
        yield timeline_of(history)
