"""Where an app is: a function_app.py, or the folder of function.json folders; loads nothing, so
that every command can afford it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from durablectl.owners import nearest

APP_FILE = "function_app.py"


def find_app(
    start: Path, on_skip: Callable[[Path, Path], None] = lambda _app, _theirs: None
) -> Path | None:
    """The nearest app at or above the folder `start`: its function_app.py, or the folder of a
    function.json app.

    One above `start` that another user owns is skipped: see `durablectl.owners`.
    """
    return nearest(start, _app_in, on_skip)


def _app_in(folder: Path) -> Sequence[Path]:
    """The app of a folder, and the files that make it one."""
    if (folder / APP_FILE).is_file():  # as on Azure, it hides the function.json folders beside it
        return [folder / APP_FILE]
    if not has_functions(folder):
        return []
    functions = list(folder.glob("*/function.json"))
    return [folder, folder / "host.json", *functions, *(file.parent for file in functions)]


def has_functions(folder: Path) -> bool:
    """Whether `folder` is a function.json app."""
    return (folder / "host.json").is_file() and any(folder.glob("*/function.json"))
