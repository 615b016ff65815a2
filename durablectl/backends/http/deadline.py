"""When a request must be over: each step on its sockets gets what is left of its time.

Knows sockets, and nothing of HTTP.

A time-out of httpx is for one read or one write: a server that sends a byte now and then never
exceeds it.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from durablectl.polling.threads import in_thread

LONGEST_STEP = 86400.0  # a socket takes no more than 24 days
PIECE = 256 * 1024
LONGEST_READ = 0.5
"""Seconds. A signal that comes just before Python waits for an answer is seen after that wait."""


class Deadline:
    """The end of the request that is under way on one client, on the monotonic clock."""

    def __init__(self) -> None:
        self._end = math.inf

    def begin(self, seconds: float) -> None:
        """What follows must be over in `seconds`."""
        self._end = time.monotonic() + seconds

    def left(self, error: type[httpcore.TimeoutException]) -> float:
        """The seconds that are left, fit for a socket; `error` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise error("the time for the request is over")
        return min(left, LONGEST_STEP)


def keep(deadline: Deadline, client: httpx.Client) -> None:
    """Let a client that has sent nothing yet keep a deadline, through a proxy, too.

    httpx has no public way to exchange the sockets of a client that takes its proxies from the
    environment.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Sockets(deadline)  # noqa: SLF001


class _Sockets(httpcore.NetworkBackend):
    """Connections that keep a deadline.

    A name's addresses share the time, so that one that does not answer leaves some to the next.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._own = deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is the time-out
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolved(host, port, self._deadline.left(httpcore.ConnectTimeout))
        while True:
            address = addresses.pop(0)
            share = self._deadline.left(httpcore.ConnectTimeout) / (len(addresses) + 1)
            try:
                return _Stream(
                    self._own.connect_tcp(address, port, share, local_address, socket_options),
                    self._deadline,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        while True:
            left = self._deadline.left(httpcore.ReadTimeout)
            with contextlib.suppress(httpcore.ReadTimeout):
                return self._stream.read(max_bytes, min(left, LONGEST_READ))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        for start in range(0, len(buffer), PIECE):
            self._stream.write(
                buffer[start : start + PIECE], self._deadline.left(httpcore.WriteTimeout)
            )

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host.

    Asking for them has no time-out of its own: a thread asks, and is left to itself when it takes
    too long.
    """
    with contextlib.suppress(OSError, UnicodeError):
        return _addresses(host, port, socket.AI_NUMERICHOST)
    try:
        return in_thread(_addresses, host, port, name="resolve").result(seconds)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"no address of {host} in time") from None
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error


def _addresses(host: str, port: int, flags: int = 0) -> list[str]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(address[0]) for *_, address in rows))
