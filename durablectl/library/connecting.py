"""A task hub, found as the command line finds it or named."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from durablectl import config
from durablectl.errors import UsageError
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.engine.registry import Registry

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
    if not settings.has_hub:
        raise UsageError(
            "no task hub: none was named, and there is no app here or above",
            hint="connect('path/hub.db')",
        )
    app_path = settings.app if settings.url is None else None
    registry = None if app_path is None else _registry(app_path)
    return config.open_hub(settings, key=key, timeout=timeout, registry=registry, late=True)


def _registry(app: Path) -> Registry:
    from durablectl.library.apps import load_registry  # deferred: few hubs are opened with an app

    return load_registry(app)
