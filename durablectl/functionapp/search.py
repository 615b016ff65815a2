"""Where an app is: a function_app.py, or the folder of function.json folders; loads nothing, so that every command can afford it."""

from __future__ import annotations

from pathlib import Path

APP_FILE = "function_app.py"


def find_app(start: Path) -> Path | None:
    """The nearest app at or above the folder `start`: its function_app.py, or the folder of a function.json app."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / APP_FILE).is_file():  # as on Azure, it hides the function.json folders beside it
            return folder / APP_FILE
        if has_functions(folder):
            return folder
    return None


def has_functions(folder: Path) -> bool:
    """Whether `folder` is a function.json app."""
    return (folder / "host.json").is_file() and any(folder.glob("*/function.json"))
