"""The older layout of an app: a folder a function, with a function.json; loads the scripts through
`importing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from durablectl.errors import AppError
from durablectl.functionapp.bindings import Binding
from durablectl.functionapp.declared import HTTP, Declared, is_disabled, shown
from durablectl.functionapp.importing import import_script
from durablectl.functionapp.sdk import user_function
from durablectl.functionapp.settings import read_object

_SETTINGS = {
    "orchestration": "orchestration",
    "activity": "activity",
    "entityName": "entity_name",
    "authLevel": "auth_level",
}
_TEXTS = ("scriptFile", "entryPoint", "type", "name", "route", *_SETTINGS)
_KINDS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(_TEXTS, (str, "a string")),
    **dict.fromkeys(("bindings", "methods"), (list, "an array")),
}


def declared_in(folder: Path, environ: Mapping[str, str]) -> list[Declared]:
    """The functions of the app, by the names of their folders; AppError for one that cannot be
    loaded.

    The script of one that is disabled, by itself or in `environ`, is not run.
    """
    return [_declared(folder, path, environ) for path in sorted(folder.glob("*/function.json"))]


def _declared(app: Path, path: Path, environ: Mapping[str, str]) -> Declared:
    document = _checked(path, read_object(path))
    bindings = [_checked(path, each) for each in document.get("bindings", []) if each]
    trigger = next((each for each in bindings if each.get("type", "").endswith("Trigger")), {})
    off = is_disabled(path.parent.name, environ, document.get("disabled"))
    return Declared(
        path.parent.name,
        trigger.get("type", ""),
        _not_run if off else user_function(_entry(app, path, document)),
        trigger.get("name", ""),
        _settings(trigger, path.parent.name),
        tuple(_binding(each) for each in bindings if each is not trigger and "name" in each),
        folder=str(path.parent),
        is_disabled=off,
    )


def _checked(path: Path, members: Any) -> dict[str, Any]:
    """The members of an object of the file that are not null; AppError for one that has another
    type than the host reads.
    """
    if not isinstance(members, dict):
        raise AppError(f"{shown(path)}: a binding is not an object")
    for name, value in members.items():
        kind, what = _KINDS.get(name, (object, ""))
        if value is not None and not isinstance(value, kind):
            raise AppError(f"{shown(path)}: '{name}' is not {what}")
    return {name: value for name, value in members.items() if value is not None}


def _entry(app: Path, path: Path, document: dict[str, Any]) -> Callable[..., Any]:
    script = (path.parent / (document.get("scriptFile") or _script_in(path.parent))).resolve()
    entry = document.get("entryPoint", "main")
    function = getattr(import_script(app, script), entry, None)
    if not callable(function):
        raise AppError(
            f"{shown(script)} has no function '{entry}'",
            hint=f"{shown(path)} names it as its entryPoint",
        )
    return function  # type: ignore[no-any-return]


def _script_in(folder: Path) -> str:
    """The script that the host takes where none is named (HostFunctionMetadataProvider.cs): the
    only file, else by its name.
    """
    names = sorted(
        each.name for each in folder.iterdir() if each.is_file() and each.name != "function.json"
    )
    return (
        names[0]
        if len(names) == 1
        else next((name for name in names if name in ("__init__.py", "run.py")), "__init__.py")
    )


def _not_run() -> None:
    """What stands for the function of a script that is not run."""


def _binding(binding: dict[str, Any]) -> Binding:
    # In this layout a function makes its durable client by itself.
    return Binding(
        binding["name"],
        binding.get("type", ""),
        binding.get("direction") == "out",
        binding,
        is_text=True,
    )


def _settings(trigger: dict[str, Any], name: str) -> dict[str, Any]:
    settings = {
        _SETTINGS.get(key, key): value
        for key, value in trigger.items()
        if key not in ("type", "name", "direction")
    }
    if trigger.get("type") != HTTP:
        return settings
    methods = tuple(str(method).upper() for method in settings.get("methods", ()))
    return {"route": name, "auth_level": "function"} | settings | {"methods": methods}
