"""Whether an orchestrator's code of today still decides what a history says that it decided,
whatever form either has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.guided import judge_history
from durablectl.errors import UsageError
from durablectl.history.saved import AnyHistory, history_of
from durablectl.history.verdict import Judgement, Verdict
from durablectl.testing.apps import orchestrator_from


def judge_any(history: AnyHistory, orchestrator: Callable[..., Any] | Orchestrator) -> Verdict:
    """See `durablectl.judge`."""
    found = (
        orchestrator if isinstance(orchestrator, Orchestrator) else orchestrator_from(orchestrator)
    )
    return judge_history(history_of(history), found)


def assert_replays(history: AnyHistory, orchestrator: Callable[..., Any]) -> None:
    """AssertionError when `orchestrator`, as it is now, does not do what a saved history says that
    it did.

    `history` is what `durablectl history ID --raw` wrote, a status with its history as the HTTP API
    has it, or what `func durable get-history` prints: the text, its JSON, or the path of the file.
    Kind, name and order of each decision are compared, ids that the code gives to children, and how
    the instance ended; the inputs of calls are not. `UsageError` when it is not a history, or one
    that cannot be judged.
    """
    saved = history_of(history)
    verdict = judge_any(saved, orchestrator)
    who = f"instance '{saved.instance_id}' of '{saved.name}'"
    if verdict.judgement is Judgement.CANNOT_JUDGE:
        raise UsageError(f"{who} cannot be judged: {verdict.reason}", hint="save it again")
    if not verdict.fits:
        raise AssertionError(f"{who} does not replay: {verdict.sentence}")
