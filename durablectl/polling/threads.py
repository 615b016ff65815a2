"""Daemon threads, each with a name: what one still does when the process ends is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def start_thread(run: Callable[..., object], *arguments: object, name: str) -> threading.Thread:
    """Call `run` in a new thread, which does not keep the process alive."""
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def in_thread(run: Callable[..., Result], *arguments: object, name: str) -> Future[Result]:
    """What `run` returns or raises in a new thread, which is left behind by who waits no longer."""
    found: Future[Result] = Future()

    def call() -> None:
        try:
            found.set_result(run(*arguments))
        except BaseException as error:  # whatever it is, the one who waits gets it
            found.set_exception(error)

    start_thread(call, name=name)
    return found
