"""Single keys from a terminal. Where there is none, or no way to read it so, no key ever comes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Keys = Callable[[float], str]


@contextmanager
def keyboard(stdin: TextIO, stopping: threading.Event) -> Iterator[Keys]:
    """While inside, a function that waits for a key at most N seconds: the key, or "".

    `stopping` ends a wait without a key.
    """
    try:
        import termios  # not on Windows
        import tty

        descriptor = stdin.fileno()
        before = termios.tcgetattr(descriptor) if stdin.isatty() else None
    except (ImportError, OSError, ValueError):
        before = None
    if before is None:
        yield lambda seconds: _no_key(stopping.wait(seconds))
        return
    try:
        tty.setcbreak(descriptor)
        yield lambda seconds: _key(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _no_key(_is_over: bool) -> str:
    return ""


def _key(descriptor: int, seconds: float) -> str:
    import select  # deferred: only a terminal has keys

    try:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return os.read(descriptor, 1).decode("ascii", "ignore") if ready else ""
    except OSError:
        return ""
