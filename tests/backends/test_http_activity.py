"""`call_http` from an orchestrator, against a real server."""

from __future__ import annotations

from ast import literal_eval
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from raw_server import after, drip, flood, raw_server

from durablectl.backends.http.call_http import call_http


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/here")
        self.end_headers()
        self.wfile.write(f"{self.path} {self._sent()}".encode())

    def _sent(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name != "Host"}

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{body} {self._sent()}".encode())

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
    answer = call_http(
        {"method": "POST", "uri": echo, "content": '{"a": 1}', "headers": {"X-Mine": "yes"}}
    )
    assert (answer["statusCode"], answer["headers"]["x-seen"], answer["content"]) == (
        418,
        "yes",
        '{"A": 1}',
    )


def test_no_answer_fails_the_call() -> None:
    with pytest.raises(ConnectionError, match=r"GET http://127\.0\.0\.1:9/ had no answer"):
        call_http({"method": "GET", "uri": "http://127.0.0.1:9/"})


def test_a_managed_identity_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="a local hub has no managed identity"):
        call_http(
            {
                "method": "GET",
                "uri": "http://127.0.0.1:9/",
                "tokenSource": {"kind": "AzureManagedIdentity"},
            }
        )


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({}, {"Content-Length": "8", "Content-Type": "text/plain"}),
        (
            {"content-type": "application/json"},
            {"Content-Length": "8", "Content-Type": "application/json"},
        ),
        (
            {"X-Mine": "yes", "Content-Type": "application/x-www-form-urlencoded"},
            {
                "X-Mine": "yes",
                "Content-Length": "8",
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            },
        ),
    ],
    ids=["no type", "a type", "a form"],
)
def test_89_the_body_is_sent_with_the_headers_of_the_extension(echo: str, headers, sent) -> None:
    answer = call_http({"method": "PUT", "uri": echo, "content": '{"a": 1}', "headers": headers})[
        "content"
    ]
    assert answer.startswith('{"a": 1} ')
    assert literal_eval(answer.removeprefix('{"a": 1} ')) == sent


def test_89_what_has_no_body_has_no_type_and_redirects_are_followed(echo: str) -> None:
    answer = call_http(
        {"method": "GET", "uri": f"{echo}moved", "headers": {"Content-Type": "application/json"}}
    )
    assert (answer["statusCode"], answer["content"]) == (200, "/here {}")


def test_multipart_content_is_refused_as_on_azure(echo: str) -> None:
    with pytest.raises(ValueError, match="call_http sends no multipart content"):
        call_http(
            {
                "method": "PUT",
                "uri": echo,
                "content": "x",
                "headers": {"Content-Type": "multipart/form-data"},
            }
        )


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"


@pytest.mark.parametrize(
    "talk", [drip(b"H"), after(CHUNKED, drip(b"1\r\nx\r\n"))], ids=["head", "body"]
)
def test_an_answer_that_drips_fails_the_call_in_time(talk) -> None:
    with raw_server(talk) as server, pytest.raises(ConnectionError, match="had no answer"):
        call_http({"method": "GET", "uri": server.url}, seconds=0.3)


def test_an_endless_answer_fails_the_call() -> None:
    with (
        raw_server(after(CHUNKED, flood(MEGABYTE))) as server,
        pytest.raises(ConnectionError, match="has more than 3 MB, the limit"),
    ):
        call_http({"method": "GET", "uri": server.url}, most_bytes=3_000_000)


@pytest.mark.parametrize(
    "place",
    [
        "/",
        "http://[",
        "//",
        "x:y",
        "\u00fc\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_redirect_that_leads_nowhere_fails_the_call(place: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with raw_server(after(head, drip(b""))) as server, pytest.raises(ConnectionError):
        call_http({"method": "GET", "uri": server.url})


@pytest.mark.parametrize("name", ["zlib", "punycode", "hex", "no-such", "\u00fc", "x" * 5000])
def test_a_charset_that_decodes_no_text_counts_as_utf_8(name: str) -> None:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={name}\r\nContent-Length: 2\r\n\r\n"
    ).encode("latin-1")
    with raw_server(after(head + "\u00fc".encode(), drip(b""))) as server:
        assert call_http({"method": "GET", "uri": server.url})["content"] == "\u00fc"
