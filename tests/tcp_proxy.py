"""A proxy between a client and a server that goes wrong when a test says so: it falls silent, cuts
its connections, or is gone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Passes bytes on, both ways."""

    def __init__(self, target: int) -> None:
        self._target, self._silent = target, threading.Event()
        self._cut_after: int | None = None
        self._cut: Callable[[], None] = self._break
        self._lost: bytes | None = None
        self._muted: bytes | None = None
        self._sockets: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._server = self._listening(0)
        self.port: int = self._server.getsockname()[1]

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def fall_silent(self) -> None:
        """Accept, read, and pass on nothing from now on."""
        self._silent.set()

    def forget_connections(self) -> None:
        """Pass on nothing more of the connections there are; later ones work."""
        self._forgotten = set(self._sockets)

    def cut_answers_after(self, size: int) -> None:
        """Break the connections once that many more bytes of answers have passed."""
        self._cut_after, self._cut = size, self._break

    def go_after(self, size: int) -> None:
        """Be gone once that many more bytes of answers have passed."""
        self._cut_after, self._cut = size, self.go

    def lose_answer_to(self, marker: bytes) -> None:
        """Pass on the next request that contains this, and break the connection at its answer."""
        self._lost = marker

    def mute_answer_to(self, marker: bytes) -> None:
        """Pass on the next request that contains this, and nothing more of its connection."""
        self._muted = marker

    def go(self) -> None:
        """Break all connections and listen no more."""
        with suppress(OSError):  # or the thread in accept() takes one more connection
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._break()

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._server = self._listening(self.port)

    def _listening(self, port: int) -> socket.socket:
        server = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return server

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._sockets.update((client, upstream))
            for source, sink, answers in ((client, upstream, False), (upstream, client, True)):
                threading.Thread(
                    target=self._pass, args=(source, sink, answers), daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._silent.is_set() or source in self._forgotten:
                    continue
                if answers and self._cut_after is not None:
                    self._cut_after -= len(data)
                    if self._cut_after < 0:
                        self._cut_after = None
                        self._cut()
                        break
                if not answers and self._lost is not None and self._lost in data:
                    self._lost = None
                    self.cut_answers_after(0)
                if not answers and self._muted is not None and self._muted in data:
                    self._muted, self._forgotten = None, {sink}
                sink.sendall(data)
        self._close(source, sink)

    def _break(self) -> None:
        # the client may connect again before the last of them is closed
        broken, self._sockets = self._sockets, set()
        self._close(*broken)

    def _close(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def proxy_of(port: int) -> Iterator[Proxy]:
    """While inside, a proxy in front of a port of this machine."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.go()
