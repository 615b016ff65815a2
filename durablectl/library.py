"""The library's front door: a task hub, found as the command line finds it or named; opens nothing
before it is asked.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from durablectl import config
from durablectl.errors import UsageError
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from durablectl.engine.registry import Registry
    from durablectl.explanation.model import Explanation
    from durablectl.history.verdict import Verdict
    from durablectl.testing.judging import AnyHistory

VARIABLES = {"context": "DURABLECTL_CONTEXT", "hub": "DURABLECTL_HUB", "app": "DURABLECTL_APP"}


def connect(
    target: str | Path | None = None,
    *,
    key: str | None = None,
    task_hub: str | None = None,
    connection: str | None = None,
    context: str | None = None,
    app: str | Path | None = None,
    timeout: float = config.REQUEST_SECONDS,
) -> TaskHub:
    """A task hub, to be closed after use (`with connect() as hub`).

    `target` is the address of an app (`https://…`) or of a Durable Task server (`grpcs://…`), or a
    local hub's file, which the first start makes. Without it the hub is found as the command line
    finds it: `context`, the variables, `durablectl.toml`, the user's current context, the hub
    beside the nearest app. `key` is the system key of a remote hub; without it a context of the
    user's may have one for that address. `timeout` is for one request, in seconds. `app` is the
    function_app.py, or its folder, that a local hub runs while it is waited for.
    """
    named = {
        "hub": target,
        "context": context,
        "app": app,
        "task_hub": task_hub,
        "connection": connection,
    }
    asked = {
        name: os.environ[variable]
        for name, variable in VARIABLES.items()
        if os.environ.get(variable)
    }
    given = {name: VARIABLES[name] for name in asked}
    if target is not None or context is not None:
        for name in ("hub", "context"):
            asked.pop(name, None)
    asked |= {name: str(value) for name, value in named.items() if value is not None}
    given |= {name: f"connect({name}=)" for name, value in named.items() if value is not None}
    settings = config.resolve(asked, given, cwd=Path.cwd(), environ=os.environ)
    for each in settings.skipped:
        warnings.warn(each, stacklevel=2)
    if settings.url is None and settings.path is None:
        raise UsageError(
            "no task hub: none was named, and there is no app here or above",
            hint="connect('path/hub.db')",
        )
    app_path = settings.app if settings.url is None else None
    registry = None if app_path is None else load_registry(app_path)
    return config.open_hub(settings, key=key, timeout=timeout, registry=registry, late=True)


def explain(hub: TaskHub, instance_id: str, app: str | Path | None = None) -> Explanation:
    """What an instance does or waits for, why it failed, or where its time went; changes nothing.

    With `app`, the function_app.py or its folder, or a local hub that was opened with one, its code
    is run along the history, without its activities, to name events and lines. What could not be
    found out is in `unknown`. `InstanceNotFound` when there is none.
    """
    from durablectl.backends.explaining import explain_instance  # deferred: few ask for it

    load = None if app is None else lambda: load_registry(Path(app))
    return explain_instance(hub, instance_id, load)


def load_registry(app: Path) -> Registry:
    """The functions of an app, with the built-in ones that its orchestrators may call."""
    from durablectl.backends.http.call_http import (
        http_activity,  # deferred: few commands run an app
    )
    from durablectl.functionapp.loader import load_app

    registry = load_app(app)
    registry.activities.add(http_activity())
    return registry


def judge(history: AnyHistory, orchestrator: Callable[..., Any]) -> Verdict:
    """Whether an orchestrator's code makes the decisions that a history proves.

    `history` is a file's path, the text or JSON of a history, or a status from
    `hub.get_status(id, show_history=True, show_history_output=True)`: our raw form, the HTTP API's
    and DTFx arrays are read. `orchestrator` is its function, decorated or not. Its code is run, its
    activities are not. `UsageError` for what is not a history; one that proves too little is
    `cannot judge`.
    """
    from durablectl.testing.judging import judge_any  # deferred: few judge histories

    return judge_any(history, orchestrator)
