"""How coroutines reach a synchronous hub: reads in a few threads, writes that wait at the same time
in one transaction; knows no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from durablectl.errors import DurablectlError
from durablectl.model import InstanceStatus
from durablectl.polling.loop import intervals
from durablectl.polling.threads import start_thread
from durablectl.server.completion_watcher import Waits
from durablectl.taskhub import TaskHub

READERS = 4
MOST_IN_A_GROUP = 256
MOST_LARGE = 1000
LARGE = 64 * 1024  # characters or bytes
LEAVE_SECONDS = 1.0

Result = TypeVar("Result")
Outcome: TypeAlias = tuple[Any, BaseException | None]
"""What a call returned, or what it raised."""
_Item: TypeAlias = "tuple[Callable[[], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]"
_Settled: TypeAlias = "tuple[asyncio.Future[Any], Outcome]"


class Gate:
    """A hub for coroutines, of any loop. A write is durable when it returns."""

    def __init__(self, hub: TaskHub, wake: Callable[[], None] = lambda: None) -> None:
        self.hub = hub
        self._readers = _Readers()
        self._writer = _Writer(hub, wake) if hub.commits_together else None
        self._waits = Waits(hub) if hub.commits_together else None
        self._large: set[str] = set()
        self._is_closing = False

    async def read(self, call: Callable[[], Result]) -> Result:
        """Call in a thread, in which it may take its time."""
        return await self._readers.submit(call)

    async def parsed(self, parse: Callable[[str], Result], text: str) -> Result:
        """What a text means; a long one is read in a thread."""
        return parse(text) if len(text) < LARGE else await self.read(partial(parse, text))

    async def look(self, instance_id: str, call: Callable[[], Result]) -> Result:
        """Read one instance: in microseconds and so at once where the hub is a file, unless the
        instance is known to be large.
        """
        if self._writer is None or instance_id in self._large:
            return await self.read(call)
        return call()

    def expect_large(self, instance_id: str) -> None:
        """From now on read this instance in a thread: it would keep everybody waiting."""
        if len(self._large) >= MOST_LARGE:
            self._large.clear()
        self._large.add(instance_id)

    async def write(self, call: Callable[[], Result]) -> Result:
        if self._writer is None:
            return await self.read(call)
        return await self._writer.submit(call)

    async def wait(
        self, instance_id: str, timeout: float, interval: float, *, show_input: bool = False
    ) -> InstanceStatus | None:
        """The status of an instance once it is finished; None when it is not so after `timeout`
        seconds, or the server is closing.

        No thread waits with it. `InstanceNotFound` when there is no such instance (any more).
        """
        clock = asyncio.get_running_loop().time
        started, delays = clock(), intervals(timeout, interval)
        next(delays)
        while True:
            found = await self.look(
                instance_id, lambda: self.hub.get_status(instance_id, show_input=show_input)
            )
            if found.is_final:
                return found
            try:
                delay = delays.send(clock() - started)
            except StopIteration:
                return None
            if self._is_closing:
                return None
            if self._waits is not None:
                delay = max(timeout - (clock() - started), 0.0)
                await self._waits.until_ended(instance_id, delay)
            else:
                await asyncio.sleep(delay)

    def stop_waiting(self) -> None:
        """Let every wait end now, as if its time were over."""
        self._is_closing = True
        if self._waits is not None:
            self._waits.stop()

    def close(self) -> None:
        self.stop_waiting()
        if self._writer is not None:
            self._writer.close()
        self._readers.close()


class _Calls:
    """Calls of coroutines, for threads to take."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()

    def submit(self, call: Callable[[], Result]) -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.put((call, future, loop))
        return future


class _Readers(_Calls):
    """A few threads for calls that take their time. The process may end in the middle of one."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(READERS):
            start_thread(self._run, name=f"reader {number}")

    def close(self) -> None:
        for _ in range(READERS):
            self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            call, future, loop = item
            _report(loop, [(future, _outcome(call))])


class _Writer(_Calls):
    """One thread that takes all writes that wait into one transaction."""

    def __init__(self, hub: TaskHub, wake: Callable[[], None]) -> None:
        super().__init__()
        self._hub, self._wake = hub, wake
        self._thread = start_thread(self._run, name="writer")

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(LEAVE_SECONDS)

    def _run(self) -> None:
        is_open = True
        while is_open:
            group = []
            item = self._queue.get()
            while item is not None:
                group.append(item)
                if self._queue.empty() or len(group) >= MOST_IN_A_GROUP:
                    break
                item = self._queue.get()
            is_open = item is not None
            if group:
                self._write(group)

    def _write(self, group: list[_Item]) -> None:
        outcomes: list[Outcome]
        try:
            with self._hub.group():
                outcomes = [_outcome(call) for call, _, _ in group]
        except DurablectlError as fault:  # nothing of the group was written
            outcomes = [(None, fault)] * len(group)
        settled: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
        for (_, future, loop), outcome in zip(group, outcomes, strict=True):
            settled.setdefault(loop, []).append((future, outcome))
        for loop, of_loop in settled.items():
            _report(loop, of_loop)
        self._wake()


def _outcome(call: Callable[[], Any]) -> Outcome:
    try:
        return call(), None
    except Exception as error:  # reported to the caller
        return None, error


def _report(loop: asyncio.AbstractEventLoop, settled: list[_Settled]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits
        loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: list[_Settled]) -> None:
    for future, (result, error) in settled:
        if future.done():  # the client has gone
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
