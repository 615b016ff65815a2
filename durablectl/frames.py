"""Tracebacks as text, of Python, .NET and JavaScript workers: which frames are the app's own.

Pure, and linear in the text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_OWN_PACKAGE = str(Path(__file__).parent)
_NOT_THE_APPS = (
    r"[\\/](?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python3|\\Lib\\|azure_functions_worker|azure-functions-host"
    r"|[\\/]node_modules[\\/]|^node:|^<"
)
_HOSTS = ("Microsoft.", "System.", "DurableTask.")
_PYTHON = r'[\s|]*File "([^"]*)", line (\d+)(?:, in (.*))?$'
_BEGINNING = "Traceback (most recent call last):"


class Frame(NamedTuple):
    """One frame. `code` is its line of the source, "" where the traceback has none."""

    file: str
    line: int
    name: str
    code: str = ""

    @property
    def is_apps(self) -> bool:
        """Whether the frame is the app's own, and not one of a library, a worker or ours."""
        return (
            not self.file.startswith(_OWN_PACKAGE)
            and not re.search(_NOT_THE_APPS, self.file)
            and not self.name.startswith(_HOSTS)
        )

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f", in {self.name}" if self.name else "")


def frames_of(traceback: str) -> list[Frame]:
    """The frames of a traceback, the one that raised last.

    Of exceptions that caused each other, those of the last one.
    """
    lines = traceback.rpartition(_BEGINNING)[2].replace("\r\n", "\n").split("\n")
    python = [
        Frame(found[1], _number(found[2]), found[3] or "", _code(lines, number))
        for number, line in enumerate(lines)
        if (found := re.match(_PYTHON, line))
    ]
    return python or [frame for line in reversed(lines) if (frame := _at(line.strip())) is not None]


def place_in(traceback: str) -> str:
    """Where in the app's own code it was raised: `/app/function_app.py:12, in pay`; "" where no
    frame is the app's.
    """
    return (
        next((str(frame) for frame in reversed(frames_of(traceback)) if frame.is_apps), "")
        if traceback
        else ""
    )


def app_lines(traceback: str) -> list[str]:
    """The app's own frames as lines to show: each place, and its line of the source below it."""
    shown: list[str] = []
    for frame in frames_of(traceback):
        if frame.is_apps:
            shown += [str(frame), *([f"  {frame.code}"] if frame.code else [])]
    return shown


def _code(lines: list[str], number: int) -> str:
    """The line of the source that Python shows below a frame."""
    following = lines[number + 1] if number + 1 < len(lines) else ""
    return following.strip() if following.startswith("    ") else ""


def _at(line: str) -> Frame | None:
    """A frame of .NET (`at Shop.Pay(String id) in /src/Pay.cs:line 12`) or JavaScript (`at pay
    (/app/index.js:12:9)`).
    """
    if not line.startswith("at "):
        return None
    head, is_dotnet, number = line[3:].rpartition(":line ")
    if is_dotnet and number.isdecimal():
        method, _, file = head.partition(" in ")
        return Frame(file, _number(number), method.partition("(")[0])
    name, bracket, place = line[3:].rstrip(")").rpartition("(")
    file, _, rest = (
        (place if bracket else line[3:].removeprefix("async ")).rpartition(":")[0].rpartition(":")
    )
    return Frame(file, _number(rest), name.strip()) if file and rest.isdecimal() else None


def _number(digits: str) -> int:
    return int(digits[:9])
