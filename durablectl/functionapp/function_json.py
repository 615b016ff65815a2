"""The older layout of an app: a folder a function, with a function.json; loads the scripts through `importing`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from durablectl.errors import AppError
from durablectl.functionapp.declared import HTTP, Declared, shown
from durablectl.functionapp.importing import import_script
from durablectl.functionapp.sdk import user_function

_CLIENTS = frozenset({"durableClient", "orchestrationClient"})
_SETTINGS = {"orchestration": "orchestration", "activity": "activity", "entityName": "entity_name", "authLevel": "auth_level"}


def declared_in(folder: Path) -> list[Declared]:
    """The functions of the app, by the names of their folders; AppError for one that cannot be loaded."""
    return [_declared(folder, path) for path in sorted(folder.glob("*/function.json"))]


def _declared(app: Path, path: Path) -> Declared:
    document = _read(path)
    bindings = [binding for binding in document.get("bindings", []) if isinstance(binding, dict)]
    trigger = next((binding for binding in bindings if str(binding.get("type", "")).endswith("Trigger")), {})
    script = (path.parent / document.get("scriptFile", "__init__.py")).resolve()
    entry = document.get("entryPoint", "main")
    function = getattr(import_script(app, script), entry, None)
    if not callable(function):
        raise AppError(f"{shown(script)} has no function '{entry}'", hint=f"{shown(path)} names it as its entryPoint")
    return Declared(
        path.parent.name,
        trigger.get("type", ""),
        user_function(function),
        trigger.get("name", ""),
        _settings(trigger, path.parent.name),
        tuple(binding["name"] for binding in bindings if binding.get("type") in _CLIENTS and "name" in binding),
    )


def _settings(trigger: dict[str, Any], name: str) -> dict[str, Any]:
    settings = {_SETTINGS.get(key, key): value for key, value in trigger.items() if key not in ("type", "name", "direction")}
    if trigger.get("type") != HTTP:
        return settings
    methods = tuple(str(method).upper() for method in settings.get("methods") or ())
    # In this layout the function makes its client by itself, from the binding's JSON text.
    return {"route": name, "auth_level": "function"} | settings | {"methods": methods, "client_as_json": True}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise AppError(f"{shown(path)}:{error.lineno}:{error.colno}: not JSON: {error.msg.lower()}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"cannot read {shown(path)}: {error}") from error
    if not isinstance(document, dict):
        raise AppError(f"{shown(path)}: not a JSON object")
    return document
