"""Doing one thing to each of many items, several at a time, and knowing of each what became of it;
knows no hub and no console.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from durablectl.polling.threads import start_thread

Item = TypeVar("Item")
IN_A_GROUP = 100
LONGEST_LOOK = 0.5
"""A signal that comes just before a wait begins does not end it: Python sees it afterwards only."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item]):
    """What became of an item: a result, or the error that was raised."""

    item: Item
    result: object = None
    error: BaseException | None = None


class Runner(Protocol[Item]):
    """The outcomes as they come, in any order, until all items are done or it was stopped."""

    def __iter__(self) -> Iterator[Outcome[Item]]: ...

    def __next__(self) -> Outcome[Item]: ...

    def stop(self) -> None:
        """Begin no further item; the outcomes of those that were started still come."""

    def drain(self, seconds: float) -> Iterator[Outcome[Item]]:
        """After a stop: the outcomes that come within that time."""

    @property
    def started(self) -> list[Item]:
        """Those that were started and have no outcome yet."""

    @property
    def not_started(self) -> list[Item]:
        """After a stop: those that were read from the items and never started."""


class _Rate:
    """When the next item may be started: at most `rate` a second."""

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._gap, self._clock, self._next = (1.0 / rate if rate else 0.0), clock, 0.0

    def wait(self) -> float:
        """Seconds until then; 0 when it is now."""
        return max(self._next - self._clock(), 0.0)

    def started(self) -> None:
        self._next = self._clock() + self._gap


class ParallelRunner(Generic[Item]):
    """A runner of daemon threads: one that hangs in a request does not hold up the others.

    `items` are read as they are needed.

    Without a rate N more lie ready, so that no thread has to wait for the next; a stop takes
    these back. An outcome is forgotten only when its reader comes for the next one: an interrupt on
    the way loses none, but `rest` may tell the last one again.
    """

    def __init__(
        self,
        items: Iterable[Item],
        operate: Callable[[Item], object],
        *,
        concurrency: int,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items, self._operate, self._concurrency = iter(items), operate, concurrency
        self._rate, self._clock = _Rate(rate, clock), clock
        self._todo: SimpleQueue[tuple[int, Item] | None] = SimpleQueue()
        self._done: SimpleQueue[int] = SimpleQueue()
        self._outcomes: dict[int, Outcome[Item]] = {}
        self._told: int | None = None
        self._begun: dict[int, Item] = {}
        self._threads = self._count = 0
        self._most = concurrency * 2 if concurrency > 1 and rate is None else concurrency
        self._is_stopped = False
        self.not_started: list[Item] = []

    @property
    def started(self) -> list[Item]:
        return [item for number, item in self._begun.items() if number not in self._outcomes]

    def __iter__(self) -> Iterator[Outcome[Item]]:
        return self

    def __next__(self) -> Outcome[Item]:
        self._forget()
        while True:
            wait = self._hand_out()
            if wait is None and not self._begun:
                self._dismiss()
                raise StopIteration
            try:
                return self._take(wait)
            except Empty:
                continue

    def stop(self) -> None:
        self._is_stopped = True
        while self._threads:  # once they are dismissed, what is in the queue is for them
            try:
                ready = self._todo.get_nowait()
            except Empty:
                return
            if ready is not None:
                self.not_started.append(self._begun.pop(ready[0]))

    def drain(self, seconds: float) -> Iterator[Outcome[Item]]:
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

    def _take(self, wait: float | None) -> Outcome[Item]:
        number = self._done.get(timeout=LONGEST_LOOK if wait is None else min(wait, LONGEST_LOOK))
        self._told = number
        return self._outcomes[number]

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
            if wait := self._rate.wait():
                return wait
            try:
                item = next(self._items)
            except StopIteration:
                self._is_stopped = True
                break
            self._rate.started()
            self._count += 1
            self._begun[self._count] = item
            self._todo.put((self._count, item))
            if self._threads < min(len(self._begun), self._concurrency):
                self._threads += 1
                start_thread(self._work, name=f"batch-{self._threads}")
        return None

    def _work(self) -> None:
        while (started := self._todo.get()) is not None:
            number, item = started
            self._outcomes[number] = _done(item, self._operate)
            self._done.put(number)


class TransactionRunner(Generic[Item]):
    """Runs items in groups of `size`, for a hub whose changes cost a transaction each.

    `operate` returns the results of a group in order, errors among them; what it raises ends the
    run. An interrupt waits for the running group: whether it was committed would be unknown.
    """

    def __init__(
        self,
        items: Iterable[Item],
        operate: Callable[[Sequence[Item]], Iterable[object]],
        *,
        size: int = IN_A_GROUP,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        def results(group: tuple[Item, ...]) -> deque[Outcome[Item]]:
            return deque(
                _outcome(item, result) for item, result in zip(group, operate(group), strict=True)
            )

        self._runner = ParallelRunner(
            _groups(items, 1 if rate else size), results, concurrency=1, rate=rate, clock=clock
        )
        self._outcomes: deque[Outcome[Item]] = deque()

    @property
    def started(self) -> list[Item]:
        return [item for group in self._runner.started for item in group]

    @property
    def not_started(self) -> list[Item]:
        return [item for group in self._runner.not_started for item in group]

    def __iter__(self) -> Iterator[Outcome[Item]]:
        return self

    def __next__(self) -> Outcome[Item]:
        if not self._outcomes:
            self._take(next(self._runner))
        return self._outcomes.popleft()

    def stop(self) -> None:
        self._runner.stop()

    def drain(self, seconds: float) -> Iterator[Outcome[Item]]:
        yield from self._left()
        for outcome in self._runner.drain(seconds):
            self._take(outcome)
            yield from self._left()

    def _left(self) -> Iterator[Outcome[Item]]:
        while self._outcomes:
            yield self._outcomes.popleft()

    def _take(self, outcome: Outcome[tuple[Item, ...]]) -> None:
        if outcome.error is not None:
            raise outcome.error
        assert isinstance(outcome.result, deque)
        self._outcomes = outcome.result  # not a copy: told again, it has only what is left


def each_by_itself(
    operate: Callable[[Item], object], group: Callable[[], AbstractContextManager[None]]
) -> Callable[[Sequence[Item]], list[object]]:
    """What does a group of items one by one inside of `group`; one that raises is undone alone."""

    def operate_all(items: Sequence[Item]) -> list[object]:
        with group():
            done = [_done(item, operate) for item in items]
        return [outcome.error or outcome.result for outcome in done]

    return operate_all


def _groups(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    source = iter(items)
    while group := tuple(islice(source, size)):
        yield group


def _outcome(item: Item, result: object) -> Outcome[Item]:
    return (
        Outcome(item, error=result) if isinstance(result, BaseException) else Outcome(item, result)
    )


def _done(item: Item, operate: Callable[[Item], object]) -> Outcome[Item]:
    try:
        return Outcome(item, operate(item))
    except Exception as error:
        return Outcome(item, error=error)
