"""An ASGI application on a socket, until it is told to stop.

Knows uvicorn, as `connection` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from durablectl.errors import UsageError, reason_of
from durablectl.server.connection import Connection

GRACE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048
TICKS = 10  # a second
QUIET_SECONDS = 60.0


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach what is bound to `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address; `UsageError` when that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"'{host}' is not an address of this machine") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        reason = reason_of(error)
        raise UsageError(
            f"cannot listen on {host}, port {port}: {reason}",
            hint="name another port with --port, or 0 for a free one",
        ) from error
    bound.set_inheritable(True)
    return bound


def run(
    app: ASGIApp,
    bound: socket.socket,
    stopping: threading.Event,
    *,
    on_exit: Callable[[], None],
    warn: Callable[[str], None],
) -> None:
    """Serve until `stopping` is set, then finish what is under way: two seconds at most.

    `on_exit` is called first.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )
    with _telling(warn):
        _Server(config, stopping, on_exit, warn).run(sockets=[bound])


class _Server(uvicorn.Server):
    """The library's own, ended by an event instead of by signals of its own, which it would hear
    too late.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        stopping: threading.Event,
        on_exit: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self._stopping, self._on_exit, self._warn = stopping, on_exit, warn
        self._warned: dict[str, float] = {}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        await super().startup(sockets)

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS == 0:
            now = asyncio.get_running_loop().time()
            for each in list(self.server_state.connections):
                cast(Connection, each).end_if_overdue(now)
        if not self._stopping.is_set():
            return await super().on_tick(counter)
        self._on_exit()
        return True

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say in one line, and not every time, what the loop could not do: it reports two thousand
        refused connections a second.
        """
        error = context.get("exception")
        text = (
            reason_of(error) if isinstance(error, OSError) else str(error or context.get("message"))
        )
        if not self._stopping.is_set() and loop.time() >= self._warned.get(text, 0.0):
            self._warned[text] = loop.time() + QUIET_SECONDS
            self._warn(f"a connection failed: {text}")


class _Told(logging.Handler):
    """The library's warnings in our words, without tracebacks."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        self._warn(record.getMessage().rstrip(".").lower())


@contextlib.contextmanager
def _telling(warn: Callable[[str], None]) -> Iterator[None]:
    logger, handler = logging.getLogger("uvicorn"), _Told(warn)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
