"""Who waits for which instance: one thread watches the hub for all of them; knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

from durablectl.errors import DurablectlError
from durablectl.polling.loop import pause_between
from durablectl.polling.threads import start_thread

LONGEST_PAUSE = 0.5
TROUBLED_PAUSE = 0.5


class WatchedHub(Protocol):
    """What is watched: a hub, or what looks at one."""

    def pause(self, seconds: float) -> None: ...

    def ended(self, instance_ids: Collection[str]) -> set[str]: ...


class Waits:
    """Who waits for instances to end: coroutines, of any loop, and callbacks."""

    def __init__(self, hub: WatchedHub) -> None:
        self._hub = hub
        self._waiting: dict[str, list[Callable[[], object]]] = {}
        self._has_work = threading.Event()
        self._lock = threading.Lock()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    async def until_ended(self, instance_id: str, timeout: float) -> None:
        """Return when the instance has ended or is gone, at the latest after `timeout` seconds, or
        when all waiting is stopped.
        """
        ended = asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)
        if not self.add(instance_id, wake):
            return
        try:
            async with asyncio.timeout(timeout):
                await ended.wait()
        except TimeoutError:
            return
        finally:
            self.forget(instance_id, wake)

    def add(self, instance_id: str, wake: Callable[[], object]) -> bool:
        """Call `wake` when the instance has ended or is gone (here, when it has already), or when
        all waiting is stopped, maybe more than once until it is forgotten; False when all waiting
        is over already.
        """
        with self._lock:
            if self._is_stopped:
                return False
            self._waiting.setdefault(instance_id, []).append(wake)
            if self._thread is None:
                self._thread = start_thread(self._watch, name="waits")
        self._has_work.set()
        with contextlib.suppress(DurablectlError):  # the waiter finds out by itself
            self._wake(self._hub.ended((instance_id,)))  # a change before this woke no one
        return True

    def stop(self) -> None:
        """End all waits."""
        with self._lock:
            self._is_stopped = True
            ids = list(self._waiting)
        self._wake(ids)
        self._has_work.set()

    def forget(self, instance_id: str, wake: Callable[[], object]) -> None:
        """Call `wake` no more."""
        with self._lock:
            waiters = self._waiting.get(instance_id, [])
            if wake in waiters:
                waiters.remove(wake)
            if not waiters:
                self._waiting.pop(instance_id, None)

    def _watch(self) -> None:
        took = 0.0
        while not self._is_stopped:
            if not self._waited_for():
                self._has_work.wait()
                continue
            try:
                pause_between(self._hub.pause, LONGEST_PAUSE, took, time.monotonic)
                began = time.monotonic()
                ended = self._hub.ended(self._waited_for())
                took = time.monotonic() - began
                self._wake(ended)
            except DurablectlError:  # each waiter finds out by itself
                time.sleep(TROUBLED_PAUSE)

    def _waited_for(self) -> frozenset[str]:
        with self._lock:
            if not self._waiting:
                self._has_work.clear()
            return frozenset(self._waiting)

    def _wake(self, instance_ids: Collection[str]) -> None:
        with self._lock:
            waiters = [
                waiter
                for instance_id in instance_ids
                for waiter in self._waiting.get(instance_id, ())
            ]
        for wake in waiters:
            with contextlib.suppress(RuntimeError):  # its loop is closed
                wake()
