"""SIGTERM, which ends a command as Ctrl-C does, and both held back where they would tear."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")
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


class HeldInterrupts:
    """Ctrl-C and SIGTERM that wait for a moment when nothing is half done. A second one does not
    wait: what is being done may hang.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}
        self._waiting: int | None = None
        self._is_open = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, they are raised only between the items of `between`, and at the end."""
        found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._handlers = {number: each for number, each in found.items() if callable(each)}
        with handling(self._handlers, self._came):
            yield
        self._raise_waiting()

    def between(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; one that came meanwhile is raised before the next item."""
        rest = iter(items)
        while True:
            self._is_open = True
            try:
                self._raise_waiting()
                item = next(rest)
            except StopIteration:
                return
            finally:
                self._is_open = False
            yield item

    def _came(self, number: int, _frame: FrameType | None) -> None:
        is_first, self._waiting = self._waiting is None, number
        if self._is_open or not is_first:
            self._raise_waiting()

    def _raise_waiting(self) -> None:
        number, self._waiting = self._waiting, None
        if number is not None:
            self._handlers[number](number, None)
