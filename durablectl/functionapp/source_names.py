"""The names in the source of an app, read without running it, for a shell's completion."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from durablectl.functionapp.search import APP_FILE


def orchestrators_of(app: Path) -> list[str]:
    """The orchestrators of a function_app.py, a folder with one, or a folder of function.json
    folders.
    """
    if (file := _file_of(app)) is not None:
        return declared_orchestrators(file.read_text(encoding="utf-8"))
    return [
        path.parent.name
        for path in sorted(app.glob("*/function.json"))
        if b'"orchestrationTrigger"' in path.read_bytes()
    ]


def events_of(app: Path) -> list[str]:
    """The events that its code waits for."""
    file = _file_of(app)
    files = sorted(app.glob("*/*.py")) if file is None else [file]
    return [name for each in files for name in declared_events(each.read_text(encoding="utf-8"))]


def _file_of(app: Path) -> Path | None:
    """The file of an app that is one file; None for a folder of function.json folders."""
    file = app / APP_FILE if app.is_dir() else app
    return file if file.is_file() else None


def declared_events(source: str) -> list[str]:
    """The names of the events that a module's source waits for, as far as they stand there as
    texts.
    """
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="wait_for_external_event"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                found[name] = None
    return list(found)


def declared_orchestrators(source: str) -> list[str]:
    """The names of the functions that a module's source decorates as orchestrators."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        marks = {
            mark.func.attr: mark
            for mark in function.decorator_list
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
        }
        if "orchestration_trigger" in marks:
            found.append(_given_name(marks) or function.name)
    return found


def _given_name(marks: Mapping[str, ast.Call]) -> str | None:
    """The name in `@app.function_name(…)` or `orchestration_trigger(…, orchestration=…)`."""
    for mark, keyword in (("function_name", "name"), ("orchestration_trigger", "orchestration")):
        if mark not in marks:
            continue
        arguments = [each.value for each in marks[mark].keywords if each.arg == keyword] or (
            marks[mark].args[:1] if keyword == "name" else []
        )
        match arguments:
            case [ast.Constant(value=str(name)), *_]:
                return name
    return None


NAMES = {"orchestrators": orchestrators_of, "events": events_of}
"""What a completion may ask for."""
