"""SIGTERM, which ends a command as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def sigterm_as_interrupt(told: Callable[[int], None]) -> Iterator[None]:
    """While inside, SIGTERM ends the command as Ctrl-C does, with its name as the reason; `told`
    gets its number, for the process to end by it once all is said.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        told(number)
        raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    with handling([signal.SIGTERM], interrupt):
        yield


@contextmanager
def handling(numbers: Iterable[int], handler: Handler) -> Iterator[None]:
    """While inside, `handler` gets these signals; not in a thread, which may have no handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
