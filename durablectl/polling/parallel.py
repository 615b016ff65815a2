"""Doing one thing to each of many items, several at a time or many together, and knowing of each
what became of it; knows no hub and no console.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from durablectl.polling.threads import start_thread

Item = TypeVar("Item")
LONGEST_LOOK = 0.5
"""A signal that comes just before a wait begins does not end it: Python sees it afterwards only."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item]):
    """What became of an item: a result, or the error that was raised."""

    item: Item
    result: object = None
    error: BaseException | None = None


class Runner(Generic[Item]):
    """The outcomes of items as they come, in any order, until all are done or it was stopped.

    `operate` returns the results of a group of at most `size` items in their order, errors among
    them; what it raises is the error of each. It runs in daemon threads: one that hangs in a
    request does not hold up the others. With a rate each item is a group.

    `items` are read as they are needed. With several threads and without a rate as many more lie
    ready, so that no thread has to wait for the next; a stop takes these back. An outcome is
    forgotten only when its reader comes for the next one: an interrupt on the way loses none, but
    `drain` may tell the last one again.
    """

    def __init__(
        self,
        items: Iterable[Item],
        operate: Callable[[Sequence[Item]], Iterable[object]],
        *,
        concurrency: int = 1,
        size: int = 1,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items, self._operate, self._concurrency = iter(items), operate, concurrency
        self._size, self._gap = (1, 1.0 / rate) if rate else (size, 0.0)
        self._clock, self._next_start = clock, 0.0
        self._todo: SimpleQueue[list[tuple[int, Item]] | None] = SimpleQueue()
        self._done: SimpleQueue[int] = SimpleQueue()
        self._outcomes: dict[int, Outcome[Item]] = {}
        self._told: int | None = None
        self._begun: dict[int, Item] = {}
        self._threads = self._count = 0
        self._most = concurrency * 2 if concurrency > 1 and rate is None else concurrency
        self._is_stopped = False
        self.not_started: list[Item] = []
        """After a stop: those that were read from the items and never started."""

    @property
    def started(self) -> list[Item]:
        """Those that were started and have told no outcome."""
        return list(self._begun.values())

    def __iter__(self) -> Iterator[Outcome[Item]]:
        return self

    def __next__(self) -> Outcome[Item]:
        self._forget()
        while True:
            wait = self._hand_out()
            if wait is None and not self._begun:
                self._dismiss()
                raise StopIteration
            with suppress(Empty):
                self._told = self._done.get(timeout=min(wait or LONGEST_LOOK, LONGEST_LOOK))
                return self._outcomes[self._told]

    def stop(self) -> None:
        """Begin no further item; the outcomes of those that were started still come."""
        self._is_stopped = True
        while self._threads:  # once they are dismissed, what is in the queue is for them
            try:
                ready = self._todo.get_nowait()
            except Empty:
                return
            self.not_started += [self._begun.pop(number) for number, _ in ready or ()]

    def drain(self, seconds: float) -> Iterator[Outcome[Item]]:
        """After a stop: the outcomes that come within that time."""
        end = self._clock() + seconds
        while self._begun:
            for number in list(self._outcomes):
                yield self._outcomes[number]
                self._told = number
                self._forget()
            try:
                if self._begun:
                    self._done.get(timeout=max(end - self._clock(), 0.0))
            except Empty:
                break
        self._dismiss()

    def _dismiss(self) -> None:
        while self._threads:
            self._threads -= 1
            self._todo.put(None)

    def _forget(self) -> None:
        """The outcome that was told last has reached its reader."""
        if self._told is not None:
            self._begun.pop(self._told, None)
            self._outcomes.pop(self._told, None)
            self._told = None

    def _hand_out(self) -> float | None:
        """Begin what may begin now; the seconds until the next may, None when that is for an
        outcome to decide or nothing is left.
        """
        while not self._is_stopped and len(self._begun) < self._most:
            now = self._clock()
            if now < self._next_start:
                return self._next_start - now
            group = list(enumerate(islice(self._items, self._size), self._count))
            if not group:
                self._is_stopped = True
                break
            self._next_start = self._clock() + self._gap
            self._count += len(group)
            self._begun.update(group)
            self._todo.put(group)
            if self._threads < min(len(self._begun), self._concurrency):
                self._threads += 1
                start_thread(self._work, name=f"batch-{self._threads}")
        return None

    def _work(self) -> None:
        while (group := self._todo.get()) is not None:
            items = [item for _, item in group]
            try:
                results = self._operate(items)
                outcomes = [
                    Outcome(item, error=result)
                    if isinstance(result, BaseException)
                    else Outcome(item, result)
                    for item, result in zip(items, results, strict=True)
                ]
            except Exception as error:
                outcomes = [Outcome(item, error=error) for item in items]
            for (number, _), outcome in zip(group, outcomes, strict=True):
                self._outcomes[number] = outcome
                self._done.put(number)


def each_by_itself(
    operate: Callable[[Item], object],
    group: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Callable[[Sequence[Item]], list[object]]:
    """What does a group of items one by one inside of `group`; one that raises is undone alone."""

    def attempt(item: Item) -> object:
        try:
            return operate(item)
        except Exception as error:
            return error

    def operate_all(items: Sequence[Item]) -> list[object]:
        with group():
            return [attempt(item) for item in items]

    return operate_all
