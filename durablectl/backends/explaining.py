"""Explains an instance of any hub: what its history proves, its sub-orchestrations included, and
what its app's code adds, where that is at hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from durablectl.backends.history_source import HistorySource, LoadApp
from durablectl.explanation.building import explain_status
from durablectl.explanation.model import Explanation
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub

CHANGING = "its latest steps: it changes faster than it can be read"
READINGS = 3


def explain_instance(
    hub: TaskHub, instance_id: str, load_app: LoadApp | None = None, *, app_hint: str = "PATH"
) -> Explanation:
    """What an instance does or waits for, and why; `InstanceNotFound` when there is none.

    `load_app` gives the app that the instance belongs to; it is called only when the code is
    needed. What the app then prints is not shown. An instance that changes meanwhile is read again.
    """
    source = _source_of(hub, load_app, app_hint)
    source.use_own_app()
    for _ in range(READINGS):
        status = source.get(instance_id)
        made = explain_status(status, source)
        if not source.has_changed(status):
            return made
    return replace(made, unknown=(*made.unknown, CHANGING))


def glance(hub: TaskHub, status: InstanceStatus) -> Explanation:
    """What an instance waits for itself, without its sub-orchestrations and without the app's code:
    from the history that the status has, else from one more request.
    """
    source = _source_of(hub)
    if status.history is None and status.runtime_status is not RuntimeStatus.PENDING:
        status = source.get(status.instance_id)
    return explain_status(status, source, levels=0)


def _source_of(
    hub: TaskHub, load_app: LoadApp | None = None, app_hint: str = "PATH"
) -> HistorySource:
    """What an explanation of this hub's instances is made from."""
    if not hub.tells_more_than_history:
        return HistorySource(hub, load_app, app_hint)
    # deferred: a remote hub needs no engine
    from durablectl.backends.local_explaining import LocalSource

    return LocalSource(cast("Any", hub), load_app, app_hint)
