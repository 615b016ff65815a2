"""Signals that ask a command to end: as an event for one that lasts, else as Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType


class StopEvent(threading.Event):
    """An event that a signal handler may set while the same thread waits for it.

    Handlers run between two steps of the main thread. One that comes within `Event.wait` waits for
    the event's lock, which that thread holds, forever. `SimpleQueue.put` is made for this.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False
        self._tokens: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._tokens.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            with suppress(Empty):
                self._tokens.get(timeout=timeout)
                self._tokens.put(None)  # for the next who waits
        return self._is_set


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while inside; on Windows also Ctrl-Break."""
    stopping = StopEvent()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    # only the main thread may have signal handlers
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    numbers = [signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGBREAK", None)])]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
