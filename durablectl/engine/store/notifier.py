"""Wakes threads of this process when one of them commits; commits of others are polled for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

_NOTIFIERS: WeakValueDictionary[Path, Notifier] = WeakValueDictionary()
_LOCK = threading.Lock()


class Notifier:
    """One per hub file that this process has open; safe to use from any thread."""

    def __init__(self) -> None:
        self.count = 0
        """Number of notifications so far."""
        self._waiters: deque[threading.Lock] = deque()
        self._listeners: tuple[Callable[[], None], ...] = ()

    def notify(self) -> None:
        """Wake the waiting threads and call the listeners."""
        self.count += 1
        with suppress(IndexError):
            while self._waiters:
                self._waiters.pop().release()
        for listener in self._listeners:
            listener()

    def wait(self, count: int, seconds: float) -> None:
        """Wait for notification number `count` + 1, at most `seconds`."""
        # A lock for each wait, not a threading.Condition: a Ctrl-C that arrives while a condition
        # takes its lock again leaves it unlocked, and its release then fails with RuntimeError.
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        try:
            if self.count == count:
                waiter.acquire(timeout=seconds)
        finally:
            with suppress(ValueError):  # a notification has taken it out
                self._waiters.remove(waiter)

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` on each notification, in the notifying thread."""
        with _LOCK:
            self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        with _LOCK:
            self._listeners = tuple(each for each in self._listeners if each != listener)


def notifier_of(file: Path) -> Notifier:
    """The notifier of a hub file: one object per file for as long as it is referenced."""
    try:
        path = file.resolve()
    except OSError:  # Windows may have no final name of a file that can be opened
        path = file.absolute()
    with _LOCK:
        notifier = _NOTIFIERS.get(path)
        if notifier is None:
            notifier = _NOTIFIERS[path] = Notifier()
        return notifier
