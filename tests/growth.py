"""Whether the time that a call takes grows with the length of what it is given, and not with its
square.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")
ROUNDS = 3


def is_linear(
    call: Callable[[Given], object], make: Callable[[int], Given], size: int = 2_000
) -> bool:
    """Whether four times as much takes about four times as long, far from the sixteen times of a
    square.

    Retried where others interfere.
    """
    small, large = make(size), make(4 * size)
    return any(_seconds(call, large) < 8 * _seconds(call, small) + 0.002 for _ in range(ROUNDS))


def _seconds(call: Callable[[Given], object], given: Given) -> float:
    """Of this thread's own time, the least of some."""
    gc.collect()
    took = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        call(given)
        took.append(time.thread_time() - began)
        if took[-1] > 0.2:
            break
    return min(took)
