"""The bell of a hub file: who waits in this process hears at once of a commit made in it; what
other processes commit is polled for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

_BELLS: WeakValueDictionary[Path, Bell] = WeakValueDictionary()
_LOCK = threading.Lock()


class Bell:
    """One for each hub file that this process has open. For any thread."""

    def __init__(self) -> None:
        self.count = 0
        """How often it has rung."""
        self._condition = threading.Condition()
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()

    def ring(self) -> None:
        """Wake whoever waits, and call the listeners."""
        self.count += 1
        if self._waiting:
            with self._condition:
                self._condition.notify_all()
        for listener in self._listeners:
            listener()

    def wait(self, count: int, seconds: float) -> None:
        """Wait until it has rung more than `count` times, at most `seconds`."""
        with self._condition:
            self._waiting += 1
            try:
                if self.count == count:
                    self._condition.wait(seconds)
            finally:
                self._waiting -= 1

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at each ring, in the thread that rings."""
        with self._condition:
            self._listeners = (*self._listeners, listener)

    def forget(self, listener: Callable[[], None]) -> None:
        with self._condition:
            self._listeners = tuple(each for each in self._listeners if each != listener)


def bell_of(file: Path) -> Bell:
    """The bell of a hub file, the same for whoever asks while somebody keeps it."""
    with _LOCK:
        path = file.resolve()
        bell = _BELLS.get(path)
        if bell is None:
            bell = _BELLS[path] = Bell()
        return bell
