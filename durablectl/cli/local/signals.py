"""Signals that ask a command to end: as an event for one that lasts, else as Ctrl-C."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TextIO

from durablectl.cli.framework.interrupts import handling
from durablectl.render.output import Output
from durablectl.render.streams import write_any

LOOK_SECONDS = 0.5


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


class _TalkWriter:
    """Writes to a stream that may have a slow reader: once the command is to stop, what the reader
    does not take is given up (TimeoutError).

    A blocking write cannot be left, since a signal's handler that returns resumes it.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping, self._lock = stopping, threading.Lock()

    def __call__(self, stream: TextIO, text: str) -> None:
        try:
            descriptor = stream.fileno()
        except ValueError:  # a stream in memory; io.UnsupportedOperation is one
            write_any(stream, text)
            return
        data = text.encode(stream.encoding, "backslashreplace")
        while not self._lock.acquire(timeout=LOOK_SECONDS):
            self._check()
        try:
            while data:
                if select.select([], [descriptor], [], LOOK_SECONDS)[1]:
                    data = data[os.write(descriptor, data[: select.PIPE_BUF]) :]
                else:
                    self._check()
        finally:
            self._lock.release()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise TimeoutError("the reader takes nothing")


@contextmanager
def stop_signals(out: Output) -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while inside; on Windows also Ctrl-Break.

    A reader of stderr that takes nothing does not keep the command from ending then.
    """
    stopping = StopEvent()
    if sys.platform != "win32":  # where only sockets can be asked whether they take more
        out.write_talk = _TalkWriter(stopping)
    numbers = [signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGBREAK", None)])]
    with handling(numbers, lambda _number, _frame: stopping.set()):
        yield stopping
