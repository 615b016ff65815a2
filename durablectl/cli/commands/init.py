"""`durablectl init`: a small app to begin with."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.session import Session
from durablectl.errors import AppError, Conflict, UsageError, reason_of
from durablectl.installation import Installation, installation
from durablectl.quoting import quoted

APP_FILE = "function_app.py"
LONGEST_HUB = 42  # and "Hub" behind it
# In the order in which a newcomer reads them. Templates end in .txt, so that no tool takes them for
# code of ours.
FILES = (
    APP_FILE,
    "cities.json",
    "test_function_app.py",
    "pytest.ini",
    "host.json",
    "requirements.txt",
)


def init(
    session: Session,
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="[DIR]",
            help="Where to write it; made when it is not there.",
            show_default=False,
        ),
    ] = Path(),
) -> None:
    """Write a small app that runs here and on Azure: functions, an input file, a test.

    Nothing is overwritten. The task hub in host.json is named after the folder.

    Example:

        durablectl init greetings
    """
    written, kept = write_app(session.cwd / directory)
    shown = [str(directory / name) for name in written]
    session.out.show("\n".join(f"wrote {name}" for name in shown), {"files": shown})
    for name in kept:
        session.out.note(f"kept the existing {directory / name}")
    session.out.note("next:")
    for command in next_commands(directory, installation()):
        session.out.note(f"  {command}")


def write_app(folder: Path) -> tuple[list[str], list[str]]:
    """Write the app into `folder`; the names of the files written, and of those that were there and
    stay as they are.

    `Conflict` when the folder has an app already, `UsageError` when it is a file, `AppError` when
    it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder.name}' is a file", hint="name a folder: durablectl init DIR")
    if (folder / APP_FILE).exists():
        raise Conflict(
            f"there is an app already: {folder / APP_FILE}",
            hint="`durablectl functions` shows it; `durablectl init DIR` writes elsewhere",
        )
    written: list[str] = []
    kept: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (written if _write_new(folder / name) else kept).append(name)
    except OSError as error:
        raise AppError(f"cannot write to {folder}: {reason_of(error)}") from error
    return written, kept


def task_hub_of(folder: Path) -> str:
    """The name of a folder as that of a task hub on Azure: 3 to 45 letters and digits, of which the
    first is a letter.
    """
    words = re.findall(r"[A-Za-z0-9]+", folder.resolve().name)
    name = "".join(word[0].upper() + word[1:] for word in words).lstrip("0123456789")
    return f"{name[:LONGEST_HUB].removesuffix('Hub') or 'Hello'}Hub"


def next_commands(directory: Path, here: Installation) -> list[str]:
    """What to type next, with what this installation lacks for it."""
    enter = [] if directory == Path() else [f"cd {quoted(str(directory))}"]
    run = "durablectl run Hello --input cities.json"
    install = [] if find_spec("pytest") else [here.install("pytest")]
    return [*enter, run, *install, f"{here.test_python} -m pytest"]


def _write_new(path: Path) -> bool:
    text = (files("durablectl.functionapp") / "template" / f"{path.name}.txt").read_text(
        encoding="utf-8"
    )
    text = text.replace("HelloHub", task_hub_of(path.parent))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
