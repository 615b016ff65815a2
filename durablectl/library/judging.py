"""Judges a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durablectl.history.saved import AnyHistory
from durablectl.history.verdict import Verdict
from durablectl.testing.replays import judge_any


def judge(history: AnyHistory, orchestrator: Callable[..., Any]) -> Verdict:
    """Whether an orchestrator's code makes the decisions that a history proves.

    `history` is a file's path, the text or JSON of a history, or a status from
    `hub.get_status(id, show_history=True, show_history_output=True)`: our raw form, the HTTP API's
    and DTFx arrays are read. `orchestrator` is its function, decorated or not. Its code is run, its
    activities are not. `UsageError` for what is not a history; one that proves too little is
    `cannot judge`.
    """
    return judge_any(history, orchestrator)
