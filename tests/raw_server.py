"""A server on loopback that writes to its sockets whatever it is told to: what no HTTP library
would send.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Talk = Callable[[socket.socket, threading.Event], None]


@dataclass
class RawServer:
    """`heads` are the heads of the requests, as they came; `ending` is set when the server ends."""

    url: str
    heads: list[bytes] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)


@contextmanager
def raw_server(talk: Talk) -> Iterator[RawServer]:
    """Call `talk` with each connection, once the head of a request has come, and the event that
    ends it; then close it.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := connection.recv(65536)):
                    return
                head += piece
            server.heads.append(head)
            talk(connection, server.ending)

    def accept() -> None:
        with suppress(OSError):
            while not server.ending.is_set():
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.ending.set()
        with suppress(OSError), socket.create_connection(listener.getsockname(), 1):
            pass  # wakes what accepts
        listener.close()
        for thread in [accepting, *threads]:
            thread.join()


def drip(piece: bytes, seconds: float = 0.05) -> Talk:
    """Send the same bytes again and again, each time after a while."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        while not ending.wait(seconds):
            connection.sendall(piece)

    return talk


def after(start: bytes, then: Talk) -> Talk:
    """Send something, and go on."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        connection.sendall(start)
        then(connection, ending)

    return talk


def flood(piece: bytes) -> Talk:
    """Send the same bytes again and again, as fast as they are read."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        while not ending.is_set():
            connection.sendall(piece)

    return talk
