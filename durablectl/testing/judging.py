"""Judge a history against an orchestrator's code of now, whatever form either has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.guided import judge_history
from durablectl.history.saved import AnyHistory as AnyHistory
from durablectl.history.saved import history_of as history_of
from durablectl.history.verdict import Verdict
from durablectl.testing.apps import orchestrator_from


def judge_any(history: AnyHistory, orchestrator: Callable[..., Any] | Orchestrator) -> Verdict:
    """See `durablectl.judge`."""
    found = (
        orchestrator if isinstance(orchestrator, Orchestrator) else orchestrator_from(orchestrator)
    )
    return judge_history(history_of(history), found)
