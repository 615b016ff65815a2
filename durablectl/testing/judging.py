"""Judge a history against an orchestrator's code of now, whatever form either has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.guided import judge_history
from durablectl.errors import UsageError
from durablectl.history.exported import RawHistory
from durablectl.history.saved import (
    History,
    ServiceHistory,
    history_from_json,
    history_from_text,
    read_histories,
)
from durablectl.history.verdict import Verdict
from durablectl.model import InstanceStatus
from durablectl.testing.apps import orchestrator_from

AnyHistory = str | bytes | Path | Mapping[str, Any] | Sequence[Any] | InstanceStatus | History


def judge_any(history: AnyHistory, orchestrator: Callable[..., Any] | Orchestrator) -> Verdict:
    """See `durablectl.judge`."""
    found = (
        orchestrator if isinstance(orchestrator, Orchestrator) else orchestrator_from(orchestrator)
    )
    return judge_history(history_of(history), found)


def history_of(history: AnyHistory) -> History:
    """A history from what holds it; `UsageError` when it is not one."""
    match history:
        case RawHistory() | ServiceHistory():
            return history
        case InstanceStatus():
            if history.history is None:
                raise UsageError(
                    f"the status of instance '{history.instance_id}' has no history",
                    hint="hub.get_status(id, show_history=True, show_history_output=True)",
                )
            return ServiceHistory.of(history)
        case Path():
            found = list(read_histories(history))
            if len(found) != 1:
                raise UsageError(f"one history is expected, and {history} has {len(found)}")
            return found[0]
        case str() | bytes():
            return history_from_text(history)
    return history_from_json(history)
