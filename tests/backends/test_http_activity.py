"""`call_http` from an orchestrator, against a real server."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from durablectl.backends.http_activity import call_http


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(418)
        self.send_header("X-Seen", self.headers["X-Mine"])
        self.end_headers()
        self.wfile.write(body.upper())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def echo():
    server = HTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_89_an_error_status_is_an_answer(echo: str) -> None:
    answer = call_http({"method": "POST", "uri": echo, "content": '{"a": 1}', "headers": {"X-Mine": "yes"}})
    assert (answer["statusCode"], answer["headers"]["x-seen"], answer["content"]) == (418, "yes", '{"A": 1}')


def test_no_answer_fails_the_call() -> None:
    with pytest.raises(ConnectionError, match=r"GET http://127\.0\.0\.1:9/ had no answer"):
        call_http({"method": "GET", "uri": "http://127.0.0.1:9/"})


def test_a_managed_identity_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="a local hub has no managed identity"):
        call_http({"method": "GET", "uri": "http://127.0.0.1:9/", "tokenSource": {"kind": "AzureManagedIdentity"}})
