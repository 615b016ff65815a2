"""A user's function_app.py, or a folder of function.json files, becomes a Registry; runs no
orchestration.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from durablectl.engine.registry import Registry
from durablectl.errors import AppError
from durablectl.functionapp import function_json, sdk
from durablectl.functionapp.declared import Declared, build_registry, shown
from durablectl.functionapp.decorators import Blueprint, DFApp
from durablectl.functionapp.host import read_host
from durablectl.functionapp.importing import enter, import_app
from durablectl.functionapp.search import APP_FILE, has_functions
from durablectl.functionapp.settings import apply_settings
from durablectl.quoting import command


def load_app(path: Path) -> Registry:
    """Load the app at `path`, a function_app.py or the folder with it, and collect its functions.

    The app's folder continues sys.path and the `Values` of its local.settings.json into the
    environment. AppError, with file and line, when there is not an app, when it cannot be loaded,
    when two functions have one name, or when it registers nothing.
    """
    path = path.absolute()
    file = path / APP_FILE if path.is_dir() else path
    folder = file.parent.resolve()
    _refuse_what_is_no_app(path, file)
    warnings = apply_settings(folder, os.environ)
    enter(folder)
    if file.is_file():
        registry = registry_of(import_app(folder / file.name), file)
    else:
        registry = build_registry(path, function_json.declared_in(folder, os.environ))
    host = read_host(folder, os.environ)
    registry.warnings[:0] = [*warnings, *host.warnings]
    registry.default_version, registry.activity_timeout = (
        host.default_version,
        host.function_timeout,
    )
    return registry


def registry_of(module: ModuleType, file: Path | None = None) -> Registry:
    """The functions of the apps in a module that is imported already; AppError when it has none.

    `file` is named in messages, that of the module unless another is given.
    """
    file = file or Path(getattr(module, "__file__", None) or module.__name__)
    registry = build_registry(file, _declared_in(module, file))
    endings = map(sdk.ending_of, sdk.apps_in(vars(module).values()))
    registry.endings = [ending for ending in endings if ending is not None]
    return registry


def _refuse_what_is_no_app(path: Path, file: Path) -> None:
    if not path.exists():
        raise AppError(
            f"no such app: {shown(path)}",
            hint="name a function_app.py or its folder with --app, or make one: durablectl init",
        )
    if path.is_dir() and not file.is_file() and not has_functions(path):
        raise AppError(f"no {APP_FILE} in {shown(path)}", hint=command("init", shown(path)))
    if not path.is_dir() and path.suffix != ".py":
        raise AppError(
            f"{shown(path)} is not a Python file",
            hint="name a function_app.py, or the folder with it",
        )


def _declared_in(module: ModuleType, file: Path) -> list[Declared]:
    values = list(vars(module).values())
    own = list({id(value): value for value in values if isinstance(value, DFApp)}.values())
    declared = [one for app in own for one in app.declared()]
    declared += [one for app in sdk.apps_in(values) for one in sdk.declared_in(app)]
    if not declared:
        raise _nothing_registered(file, module)
    return declared


def _nothing_registered(file: Path, module: ModuleType) -> AppError:
    blueprints = [
        name
        for name, value in vars(module).items()
        if (isinstance(value, Blueprint) and not isinstance(value, DFApp))
        or sdk.blueprints_in([value])
    ]
    if blueprints:
        hint = (
            f"the blueprint '{blueprints[0]}' is in no app: app = df.DFApp(); "
            f"app.register_functions({blueprints[0]})"
        )
    else:
        hint = (
            "an app is made with `app = df.DFApp()`, its functions with "
            "`@app.orchestration_trigger(…)`; `durablectl init` shows how"
        )
    return AppError(f"{shown(file)} registers no function", hint=hint)
