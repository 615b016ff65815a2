"""What the standard streams are: a terminal of some size or not, with or without a reader."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

PIPED_WIDTH, PIPED_HEIGHT = 100, 24


def screen() -> os.terminal_size:
    """As `shutil.get_terminal_size`, which loads what unpacks archives."""
    columns, lines = _count("COLUMNS"), _count("LINES")
    size = os.terminal_size((0, 0))
    if not (columns and lines):
        with suppress(AttributeError, OSError, ValueError):
            size = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]
    return os.terminal_size(
        (columns or size.columns or PIPED_WIDTH, lines or size.lines or PIPED_HEIGHT)
    )


def _count(variable: str) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() else 0


def is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def write_any(stream: TextIO, text: str) -> None:
    """Write text that the stream's encoding may not have."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def silence(stream: TextIO) -> None:
    """Point a stream without a reader at the null device, so that the interpreter's last flush
    does not complain.
    """
    try:
        descriptor = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
    except (AttributeError, OSError, ValueError):
        return
    os.dup2(null, descriptor)
    os.close(null)
