"""Explains an instance."""

from __future__ import annotations

from pathlib import Path

from durablectl.backends.explaining import explain_instance
from durablectl.explanation.model import Explanation
from durablectl.library.apps import load_registry
from durablectl.taskhub import TaskHub


def explain(hub: TaskHub, instance_id: str, app: str | Path | None = None) -> Explanation:
    """What an instance does or waits for, why it failed, or where its time went; changes nothing.

    With `app`, the function_app.py or its folder, or a local hub that was opened with one, its code
    is run along the history, without its activities, to name events and lines. What could not be
    found out is in `unknown`. `InstanceNotFound` when there is none.
    """
    load = None if app is None else lambda: load_registry(Path(app))
    return explain_instance(hub, instance_id, load)
