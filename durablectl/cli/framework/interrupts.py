"""SIGTERM, which ends a command as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def sigterm_as_interrupt(told: Callable[[int], None]) -> Iterator[None]:
    """While inside, SIGTERM ends the command as Ctrl-C does, with its name as the reason; `told`
    gets its number, for the process to end by it once all is said.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        told(number)
        raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
