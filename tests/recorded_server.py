"""A small real HTTP server on loopback that answers as it is told: with what the service said once,
or badly on purpose.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

RECORDINGS = Path(__file__).parent / "recordings"
BASE_PATH = "/runtime/webhooks/durabletask"
KEY = "k3y+/=="


@dataclass(frozen=True)
class Asked:
    """A request as it came: the path still encoded, below the API's base path; header names in
    lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {unquote(self.path)}"


@dataclass(frozen=True)
class Reply:
    """What is answered.

    `fault`: "reset" (no answer, the connection breaks), "cut" (half of the body), "silence" (no
    answer at all).
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str = ""


def reply_json(value: Any, status: int = 200, **headers: str) -> Reply:
    kept = {"Content-Type": "application/json; charset=utf-8"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    return Reply(status, kept, json.dumps(value).encode())


HTML = Reply(
    200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Welcome</body></html>"
)
NO_INSTANCES = reply_json([], x_ms_continuation_token="")


class RecordedServer:
    """Answers every request with what `answer` makes of it; `asked` has them all, in order.

    A context manager.
    """

    def __init__(
        self, answer: Callable[[Asked], Reply], *, certificate: Path | None = None
    ) -> None:
        self.asked: list[Asked] = []
        self.ending = threading.Event()
        self._answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.origin = (
            f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        )
        self.base = self.origin + BASE_PATH
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> RecordedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def lines(self) -> list[str]:
        """What was asked, as `METHOD /path`."""
        return [asked.line for asked in self.asked]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer of two parts takes 40 ms

            def handle_any(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                below = path.removeprefix(BASE_PATH)
                asked = Asked(
                    self.command,
                    below,
                    dict(parse_qsl(query, keep_blank_values=True)),
                    headers,
                    body,
                )
                outer.asked.append(asked)
                self._send(outer._answer(asked))

            def _send(self, reply: Reply) -> None:
                if reply.fault == "silence":
                    outer.ending.wait(30)
                if reply.fault in ("silence", "reset"):
                    self.connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(
                    reply.body[: len(reply.body) // 2] if reply.fault == "cut" else reply.body
                )
                self.close_connection = reply.fault == "cut"

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, *_: object) -> None: ...

        return Handler


@dataclass(frozen=True)
class Step:
    """One recorded exchange, its placeholders filled in."""

    scenario: str
    name: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str | None
    status: int
    answer_headers: Mapping[str, str]
    json: Any

    @property
    def reply(self) -> Reply:
        body = b"" if self.json is NOTHING else json.dumps(self.json).encode()
        return Reply(self.status, self.answer_headers, body)


NOTHING = object()
VALUES = {
    "run": "r0123456789",
    "made": "0f" * 16,
    "hex32": "0f" * 16,
    "guid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "token": "opaque token==",
    "key": KEY,
    "hub": "SampleHub",
    "connection": "Storage",
    "time:s": "2026-11-02T03:04:05Z",
    "time:f": "2026-11-02T03:04:05.1234567Z",
    "time:f+00:00": "2026-11-02T03:04:05.1234567+00:00",
    "StackTrace": "   at Somewhere",
    "Details": "System.Exception: no luck",
    "base": "https://app.example" + BASE_PATH,
}


def steps() -> list[Step]:
    """All recorded exchanges."""
    found = []
    for path in sorted(RECORDINGS.glob("*.json")):
        for number, step in enumerate(json.loads(path.read_text())["steps"], 1):
            found.append(_step(path.stem, f"{number} {step['name']}", step))
    return found


def _step(scenario: str, name: str, step: Any) -> Step:
    request, response = step["request"], step["response"]
    path, _, query = _filled(request["path"]).partition("?")
    answer = _filled(response["json"]) if "json" in response else NOTHING
    headers = _filled(response["headers"])
    parameters: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        parameters[key] = f"{parameters[key]},{value}" if key in parameters else value
    body = request.get("body")
    return Step(
        scenario,
        name,
        request["method"],
        path,
        parameters,
        request.get("headers", {}),
        body and _filled(body),
        response["status"],
        headers,
        answer,
    )


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(
            r"\{([a-z0-9:+]+|StackTrace|Details)\}",
            lambda found: VALUES.get(found[1], found[0]),
            value,
        )
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items()}
    return value
