"""From what a test has in its hands — a path, a module, an app object, a function — to what the
engine runs; runs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from durablectl.engine.registry import Orchestrator, Registry
from durablectl.errors import UsageError
from durablectl.functionapp import sdk
from durablectl.functionapp.declared import Registered, build_registry
from durablectl.functionapp.decorators import DFApp
from durablectl.functionapp.loader import load_app, registry_of
from durablectl.functionapp.sdk2 import recognise
from durablectl.functionapp.search import APP_FILE


def registry_from(source: Any) -> Registry:
    """The functions of an app: of a path, a module, an app object (ours or the Azure packages'), or
    a Registry as it is.

    A file that the test has imported already is not loaded a second time: what it patches there is
    what runs.
    """
    match source:
        case Registry():
            return source
        case str() | Path():
            module = _imported(Path(source))
            return load_app(Path(source)) if module is None else registry_of(module)
        case ModuleType():
            return registry_of(source)
        case DFApp():
            return build_registry(Path("the test's app"), source.declared())
    if sdk.apps_in([source]):
        return build_registry(Path("the test's app"), sdk.declared_in(source))
    raise UsageError(
        f"a {type(source).__name__} is not a function app",
        hint="give the path of a function_app.py, its module, or the app object",
    )


def orchestrator_from(callee: Any) -> Orchestrator:
    """The orchestrator behind a decorated function, a handle of the older layout, or a plain
    (generator) function.
    """
    function = function_from(callee)
    if function is None:
        if not callable(callee):
            raise UsageError(
                f"a {type(callee).__name__} is not an orchestrator",
                hint="give its name or its function",
            )
        raw = sdk.user_function(callee)
        name = getattr(raw, "__name__", type(raw).__name__)
        if recognise.is_loaded():
            return recognise.of_sdk2().orchestrator(name, raw)
        return Orchestrator(name, raw)
    if not isinstance(function, Orchestrator):
        raise UsageError(
            f"'{function.name}' is not an orchestrator",
            hint=f"it is an {type(function).__name__.lower()}",
        )
    return function


def function_from(callee: Any) -> Registered | None:
    """What a decorated function is to the engine; None when it has no trigger."""
    ours: Registered | None = getattr(callee, "durablectl_function", None)
    if ours is not None:
        return ours
    declared = sdk.declared_by(callee)
    return None if declared is None else declared.resolve()


def name_of(callee: str | Callable[..., Any]) -> str:
    """The name by which orchestrators call it."""
    if isinstance(callee, str):
        return callee
    function = function_from(callee)
    return function.name if function is not None else orchestrator_from(callee).name


def _imported(path: Path) -> ModuleType | None:
    file = (path / APP_FILE if path.is_dir() else path).resolve()
    for module in list(sys.modules.values()):
        loaded = getattr(module, "__file__", None) or ""
        if loaded.endswith(APP_FILE) and Path(loaded).resolve() == file:
            return module
    return None
