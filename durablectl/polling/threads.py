"""Daemon threads, each with a name: what one still does when the process ends is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable


def start_thread(run: Callable[..., object], *arguments: object, name: str) -> threading.Thread:
    """Call `run` in a new thread, which does not keep the process alive."""
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
