"""Wakes threads of this process when one of them commits; commits of others are polled for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

_NOTIFIERS: WeakValueDictionary[Path, Notifier] = WeakValueDictionary()
_LOCK = threading.Lock()


class Notifier:
    """One per hub file that this process has open; safe to use from any thread."""

    def __init__(self) -> None:
        self.count = 0
        """Number of notifications so far."""
        self._condition = threading.Condition()
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()

    def notify(self) -> None:
        """Wake the waiting threads and call the listeners."""
        self.count += 1
        if self._waiting:
            with self._condition:
                self._condition.notify_all()
        for listener in self._listeners:
            listener()

    def wait(self, count: int, seconds: float) -> None:
        """Wait for notification number `count` + 1, at most `seconds`."""
        with self._condition:
            self._waiting += 1
            try:
                if self.count == count:
                    self._condition.wait(seconds)
            finally:
                self._waiting -= 1

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` on each notification, in the notifying thread."""
        with self._condition:
            self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        with self._condition:
            self._listeners = tuple(each for each in self._listeners if each != listener)


def notifier_of(file: Path) -> Notifier:
    """The notifier of a hub file: one object per file for as long as it is referenced."""
    with _LOCK:
        path = file.resolve()
        notifier = _NOTIFIERS.get(path)
        if notifier is None:
            notifier = _NOTIFIERS[path] = Notifier()
        return notifier
