"""Guided replay: an orchestrator's code run along a history, and where the two part; no clock, no
I/O, no store.

What `judge`, `replay` and the replay check ask. Three confidences: exact, reconstructed, cannot
judge.
"""

from __future__ import annotations

from dataclasses import replace

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.awaited import TaskPlaces, awaited_by
from durablectl.engine.replay.exact import follow_complete
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.engine.replay.following import FollowedExecution
from durablectl.engine.replay.reconstructed import follow_reconstructed
from durablectl.history.exported import RawHistory
from durablectl.history.proofs import timeline_of
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
    if orchestrator.begin is not None and not isinstance(history, RawHistory):
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
    followed = follow_reconstructed(history, orchestrator)
    if followed.verdict.judgement is not Judgement.BREAKS:
        return followed
    other = _with_names_as_written(history, orchestrator)
    if other is None:
        return followed
    followed.execution.close()
    return other


def _with_names_as_written(
    history: ServiceHistory, orchestrator: Orchestrator
) -> FollowedExecution | None:
    """The code run up to the events at the end of the history, where it waits for one of them under
    a name in another case: the service delivers it, and the code on Azure does not take it.
    """
    left = list(history.events)
    while left and left[-1].event_type == "EventRaised":
        left.pop()
    came = [str(each.members.get("Name")) for each in history.events[len(left) :]]
    if not came:
        return None
    shorter = replace(history, events=tuple(left))
    followed = follow_reconstructed(shorter, orchestrator)
    for name in came:
        awaited = _in_another_case(name, followed)
        if awaited is not None and followed.verdict.fits:
            warning = f"the event '{name}' was not taken: the code waits for '{awaited}'"
            verdict = replace(followed.verdict, warnings=(*followed.verdict.warnings, warning))
            return replace(followed, verdict=verdict, not_taken=tuple(came))
    followed.execution.close()
    return None


def _in_another_case(name: str, followed: FollowedExecution) -> str | None:
    """The name that the code waits for, where it differs from this one in case alone."""
    if not isinstance(followed.execution, OrchestratorExecutor):
        return None
    awaited = [each.event for each in awaited_by(followed.execution, TaskPlaces()) if each.event]
    return next((each for each in awaited if each != name and each.lower() == name.lower()), None)
