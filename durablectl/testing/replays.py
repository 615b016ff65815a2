"""Whether an orchestrator's code of today still decides what a saved history says that it
decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.errors import UsageError
from durablectl.history.events import ContinueAsNew, Decision, ExecutionCompleted
from durablectl.history.exported import RawHistory, raw_from_json
from durablectl.model import RuntimeStatus
from durablectl.testing.apps import orchestrator_from

_Ending = ExecutionCompleted | ContinueAsNew | None


def assert_replays(
    history: str | Mapping[str, Any] | Path, orchestrator: Callable[..., Any]
) -> None:
    """AssertionError when `orchestrator`, as it is now, does not do what a saved history says that
    it did.

    `history` is what `durablectl history ID --raw` wrote: the text, its JSON, or the path of the
    file. Kind, name and order of each decision are compared, and how the instance ended; the inputs
    of calls are not. `UsageError` when it is not a saved history.
    """
    saved = raw_from_json(
        history.read_text(encoding="utf-8") if isinstance(history, Path) else history
    )
    if not saved.events:
        raise UsageError(
            f"the saved history of instance '{saved.instance_id}' is empty: it had not started",
            hint="save it again",
        )
    execution = OrchestratorExecutor(
        orchestrator_from(orchestrator), saved.instance_id, saved.execution_id
    )
    try:
        execution.rebuild(saved.events)
        now = execution.run([], saved.events[-1].timestamp)
    finally:
        execution.close()
    ending = next(
        (
            event
            for event in reversed(saved.events)
            if isinstance(event, ExecutionCompleted | ContinueAsNew)
        ),
        None,
    )
    said = _difference(saved, ending, now.decisions, now.ending)
    if said is not None:
        raise AssertionError(
            f"instance '{saved.instance_id}' of '{saved.name}' does not replay: {said}"
        )


def _difference(
    saved: RawHistory, recorded: _Ending, extra: list[Decision], ending: _Ending
) -> str | None:
    fault = ending.result or "" if isinstance(ending, ExecutionCompleted) else ""
    if fault.startswith("Non-Deterministic workflow detected") and _shown(ending) != _shown(
        recorded
    ):
        return fault + _place(saved, fault)
    if extra:
        kind, number = type(extra[0]).__name__, extra[0].task_id
        name = getattr(extra[0], "name", "a timer")
        return (
            f"history has no decision number {number}, but the orchestrator's code now makes a "
            f"{kind} of it ({name})"
        )
    if _shown(ending) != _shown(recorded):
        return (
            f"history has that it {_shown(recorded)}, but with the orchestrator's code now it "
            f"{_shown(ending)}"
        )
    return None


def _place(saved: RawHistory, fault: str) -> str:
    """Which event of the history it is that the code does not match."""
    for number, event in enumerate(saved.events):
        if (
            isinstance(event, Decision)
            and (f"history has {type(event).__name__} number {event.task_id},") in fault
        ):
            return (
                f" (event {number} of {len(saved.events)}, at {event.timestamp:%Y-%m-%d %H:%M:%S})"
            )
    return ""


def _shown(ending: _Ending) -> str:
    match ending:
        case None:
            return "still runs"
        case ContinueAsNew():
            return f"continues as new with {_plain(ending.input)}"
        case ExecutionCompleted(status=RuntimeStatus.COMPLETED):
            return f"completes with {_plain(ending.result)}"
    return f"ends as {ending.status.value}: {ending.result}"


def _plain(text: str | None) -> str:
    """JSON text, whichever way it was written."""
    return "null" if text is None else json.dumps(json.loads(text), sort_keys=True)
