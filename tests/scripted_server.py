"""A real HTTP server on loopback that gives the answers it was told to, in order, and remembers
what it was asked.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

BASE = "/runtime/webhooks/durabletask"
RESET = 0  # as a status: the connection is reset instead of an answer
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    body: bytes
    key: str | None
    token: str | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """`on("GET", "/instances/a", (202, {...}), (200, {...}))`: the answers to one request in order,
    the last one for ever.
    """

    url: str = ""
    asked: list[Request] = field(default_factory=list)
    otherwise: Callable[[Request], Answer] | None = None
    _answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def paths(self, method: str) -> list[str]:
        return [request.path for request in self.asked if request.method == method]

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        answers = self._answers.get((request.method, request.path))
        if answers is None and self.otherwise is not None:
            return self.otherwise(request)
        if answers is None:
            return (
                (200, [])
                if (request.method, request.path) == ("GET", "/instances")
                else (404, None)
            )
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def scripted_server() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer of two parts takes 40 ms

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                parts.path.removeprefix(BASE),
                parts.query,
                body,
                self.headers.get("x-functions-key"),
                self.headers.get("x-ms-continuation-token"),
            )
            status, value, *headers = server.answer(request)
            if status == RESET:
                self.close_connection = True
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
                return
            content = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {
                "Content-Length": str(len(content)),
                "Content-Type": "application/json",
                **dict(*headers),
            }.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = handle_one

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that goes away is no news
        server.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def status(instance_id: str, state: str = "Completed", **members: Any) -> dict[str, Any]:
    """A status object as the service has it."""
    return {
        "name": "order",
        "instanceId": instance_id,
        "runtimeStatus": state,
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": "2026-01-02T03:04:05Z",
        "lastUpdatedTime": "2026-01-02T03:04:06Z",
        **members,
    }


def payload(url: str, instance_id: str) -> dict[str, str]:
    """A check-status payload as the service has it."""
    base, query = (
        f"{url}{BASE}/instances/{instance_id}",
        "taskHub=Orders&connection=Storage&code=s3cret",
    )
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{base}?{query}",
        "sendEventPostUri": f"{base}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{base}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{base}?{query}",
        "restartPostUri": f"{base}/restart?{query}",
        "suspendPostUri": f"{base}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{base}/resume?reason={{text}}&{query}",
    }
