"""Places in the user's code, as file and line; no I/O."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

Position = tuple[str, int]
"""A file and a line of it."""


def position_of(generator: Any) -> Position | None:
    """Where a generator runs or waits, which may be in one that it yields from; quick to have."""
    frame = None
    while generator is not None:
        frame = getattr(generator, "gi_frame", None) or frame
        generator = getattr(generator, "gi_yieldfrom", None)
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def first_line_of(function: Any) -> Position | None:
    """Where a function begins; None when it is not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno)


def shown_position(position: Position | None) -> str:
    """A position for people, as `file.py:12`; "" when there is none."""
    return "" if position is None else f"{Path(position[0]).name}:{position[1]}"
