"""Who waits for which instance: one thread watches the hub for all of them; knows no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Collection

from durablectl.errors import DurablectlError
from durablectl.taskhub import TaskHub

FIRST_PAUSE, LAST_PAUSE, SLOWER = 0.0005, 0.01, 1.2
TROUBLED_PAUSE = 0.5


class Waits:
    """Coroutines, of any loop, that wait for instances to end."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._has_work = threading.Event()
        self._lock = threading.Lock()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    async def until_ended(self, instance_id: str, timeout: float) -> None:
        """Return when the instance has ended or is gone, at the latest after `timeout` seconds, or
        when all waiting is stopped.
        """
        waiter = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if self._is_stopped:
                return
            self._waiting.setdefault(instance_id, []).append(waiter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="waits", daemon=True)
                self._thread.start()
        self._has_work.set()
        try:
            async with asyncio.timeout(timeout):
                await waiter[1].wait()
        except TimeoutError:
            return
        finally:
            self._forget(instance_id, waiter)

    def stop(self) -> None:
        """End all waits."""
        with self._lock:
            self._is_stopped = True
            ids = list(self._waiting)
        self._wake(ids)
        self._has_work.set()

    def _forget(
        self, instance_id: str, waiter: tuple[asyncio.AbstractEventLoop, asyncio.Event]
    ) -> None:
        with self._lock:
            waiters = self._waiting.get(instance_id, [])
            if waiter in waiters:
                waiters.remove(waiter)
            if not waiters:
                self._waiting.pop(instance_id, None)

    def _watch(self) -> None:
        version, asked, delay = -1, frozenset[str](), FIRST_PAUSE
        while not self._is_stopped:
            with self._lock:
                ids = frozenset(self._waiting)
                if not ids:
                    self._has_work.clear()
            if not ids:
                self._has_work.wait()
                continue
            try:
                now = self._hub.changes()
                if now != version or ids - asked:
                    version, asked, delay = now, ids, FIRST_PAUSE
                    self._wake(self._hub.ended(ids))
            except DurablectlError:  # each waiter finds out by itself
                time.sleep(TROUBLED_PAUSE)
            time.sleep(delay)
            delay = min(delay * SLOWER, LAST_PAUSE)

    def _wake(self, instance_ids: Collection[str]) -> None:
        with self._lock:
            waiters = [
                waiter
                for instance_id in instance_ids
                for waiter in self._waiting.get(instance_id, ())
            ]
        for loop, event in waiters:
            with contextlib.suppress(RuntimeError):  # its loop is closed
                loop.call_soon_threadsafe(event.set)
