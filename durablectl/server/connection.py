"""One connection: what comes in has bounds in bytes and in time, before anything of it is
understood; an answer leaves at once.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from http import HTTPStatus
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if sys.platform != "win32":
    import resource

MOST_HEAD = 64 * 1024
HEAD_SECONDS = 20.0
BODY_SECONDS, BODY_RATE = 30.0, 240.0
"""A body may take so long, and longer by a second for N bytes that have come."""
LINGER_SECONDS = 2.0
SPARE_FILES = 200  # descriptors that are left to the hub, the app and the worker
_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*", re.IGNORECASE)


class Joined:
    """A transport that keeps the head of an answer until its body comes, to send both at once:
    sending costs more than making them.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._head = transport, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if (
            not self._head
            and data.startswith(b"HTTP/1.1 ")
            and not data.startswith(b"HTTP/1.1 100")
        ):
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


def most_connections() -> int:
    """How many connections this process can have and still open the files that it needs."""
    if sys.platform == "win32":
        return 400
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 10_000 if files < 0 else min(max(files - SPARE_FILES, files // 2), 10_000)


class Connection(HttpToolsProtocol):
    """The library's own, with bounds.

    A head goes to the parser once it is complete; `end_if_overdue` is called every second or so.

    One more than `most` takes the place of the one that has waited longest for a request.
    """

    most = most_connections()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head = bytearray()
        self._is_begun = self._is_in_body = self._is_refused = False
        # bytes of what the parser has of a head; in a body, those since the last that were content
        self._count = 0
        self.since = self.loop.time()
        self._due = self.since + HEAD_SECONDS

    @property
    def is_under_way(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle  # None before the first one
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, Joined(transport)))
        if len(self.connections) > self.most:
            waiting = [
                each
                for each in self.connections
                if isinstance(each, Connection) and not each.is_under_way
            ]
            min(waiting, key=lambda each: each.since).transport.abort()  # it is one of them itself

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return  # it is read nevertheless, or the client would never read why
        self._unset_keepalive_if_required()
        if self._is_in_body or self._is_begun:
            self._count += len(data)
        else:
            data = self._whole_head(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED)  # CONNECT
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self._count > MOST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _whole_head(self, data: bytes) -> bytes:
        """All that has come of a request, once its head is complete or cannot be one; nothing
        before.
        """
        head, start = self._head, max(len(self._head) - 3, 0)
        if not head:
            data = data.lstrip(b"\r\n")  # allowed between two requests
            self._due = self.loop.time() + HEAD_SECONDS
        head += data
        end = head.find(b"\r\n\r\n", start)
        if (end if end >= 0 else len(head)) > MOST_HEAD:
            self._head, self._count = bytearray(), MOST_HEAD + 1
            return b""
        if end < 0 and head[:1].isalpha() and head.find(b"\n\n", start) < 0:
            return b""
        self._head = bytearray()
        # The parser would take what follows for another protocol, and the body with it.
        return (_UPGRADE.sub(b"", head[:end]) + head[end:]) if end >= 0 else bytes(head)

    def on_message_begin(self) -> None:
        self._is_begun = True
        if self._due == math.inf:  # it follows another request in the same packet
            self._due = self.loop.time() + HEAD_SECONDS
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_in_body:  # after it come trailers, which nothing here reads
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_begun, self._is_in_body, self._count = False, True, 0
        self._due += BODY_SECONDS
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._count = 0
        self._due += len(body) / BODY_RATE
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body, self._count, self._due = False, 0, math.inf
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        cast(Joined, self.transport).flush()
        self.since = self.loop.time()
        super().on_response_complete()

    def end_if_overdue(self, now: float) -> None:
        """End the connection when the request on it should have come by now.

        Where the app is slow to read, its client is not.
        """
        if now < self._due or self.flow.read_paused or self.transport.is_closing():
            return
        if (self._head or self._is_begun) and not self._is_refused:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer with nothing but a status, and end the connection as soon as the client has had
        time to read it.
        """
        if self.is_under_way:
            self.transport.close()
            return
        self._is_refused, self._due = True, self.loop.time() + LINGER_SECONDS
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: "
            "close\r\nContent-Length: 0\r\n\r\n".encode()
        )
        cast(Joined, self.transport).flush()
        self.transport.write_eof()
