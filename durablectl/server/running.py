"""An ASGI application on a socket, until a signal comes; the only module that knows uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from durablectl.errors import UsageError

GRACE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048


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
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"'{host}' is no address of this machine") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        reason = (error.strerror or "it cannot be used").lower()
        raise UsageError(
            f"cannot listen on {host}, port {port}: {reason}", hint="name another port with --port, or 0 for a free one"
        ) from error
    bound.set_inheritable(True)
    return bound


def run(app: ASGIApp, bound: socket.socket, *, on_exit: Callable[[], None], warn: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way: two seconds at most. `on_exit` is told at once."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
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
        _Server(config, on_exit).run(sockets=[bound])


class Joined:
    """A transport that keeps the head of an answer until its body comes, to send both at once: sending costs more than making them."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._head = transport, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._head and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"):
            self._head = data
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()


class _Protocol(HttpToolsProtocol):
    """The library's own, over a transport that sends an answer at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, Joined(transport)))

    def on_response_complete(self) -> None:
        cast(Joined, self.transport).flush()
        super().on_response_complete()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_exit()
        super().handle_exit(sig, frame)


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
