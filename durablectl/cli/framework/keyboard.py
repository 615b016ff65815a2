"""Single keys from a terminal. Where there is none, or no way to read it so, no key ever comes."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

if sys.platform != "win32":
    import termios
    import tty

Keys = Callable[[float], str]


@contextmanager
def keyboard(stdin: TextIO, stopping: threading.Event) -> Iterator[Keys]:
    """While inside, a function that waits for a key at most N seconds: the key, or "".

    `stopping` ends a wait without a key.
    """
    descriptor = _terminal(stdin)
    if sys.platform == "win32" or descriptor is None:

        def no_key(seconds: float) -> str:
            stopping.wait(seconds)
            return ""

        yield no_key
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda seconds: _key(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _terminal(stdin: TextIO) -> int | None:
    try:
        return stdin.fileno() if stdin.isatty() else None
    except (OSError, ValueError):
        return None


def _key(descriptor: int, seconds: float) -> str:
    try:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return os.read(descriptor, 1).decode("ascii", "ignore") if ready else ""
    except OSError:
        return ""
