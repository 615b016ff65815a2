"""What comes in over a connection has bounds in bytes and in time, before any of it is understood,
and before a key is checked.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from durablectl.server import uvicorn_server
from durablectl.server.connection import (
    BODY_SECONDS,
    HEAD_SECONDS,
    LINGER_SECONDS,
    MOST_HEAD,
    Connection,
)
from tests.server.serving import BASE, RECORDINGS, serving

APP = """
from durablectl import df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def echo(context):
    return context.get_input()
    yield
"""
HOST = b"Host: localhost\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
FLOODS = {
    "lines": (b"GET / HTTP/1.1\r\n" + HOST, b"X-Some: thing\r\n" * 1000, 500),
    "one header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"x" * 65536, 3000),
    "one name": (b"GET / HTTP/1.1\r\n" + HOST, b"x" * 65536, 3000),
    "address": (b"GET /", b"x" * 65536, 3000),
    "query": (b"GET /?", b"x=1&" * 16384, 3000),
    "method": (b"", b"X" * 65536, 3000),
}
TRAILERS = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bounds")
    with serving(folder, "--host", "0.0.0.0", app=RECORDINGS / "function_app.py") as server:
        server.ask("GET", "instances")
        yield server


def memory(server) -> int:
    """The process's memory in MB."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


def flood(port: int, start: bytes, piece: bytes, times: int) -> bytes:
    """Send a start and then a piece many times, as far as it is read; what was answered."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        with suppress(OSError):
            connection.sendall(start)
            for _ in range(times):
                connection.sendall(piece)
        answer = b""
        with suppress(OSError):
            while part := connection.recv(65536):
                answer += part
        return answer


@pytest.mark.parametrize(("start", "piece", "times"), FLOODS.values(), ids=FLOODS)
def test_a_head_beyond_64_kb_is_refused_and_not_kept(served, start, piece, times):
    before = memory(served)
    assert flood(served.port, start, piece, times).startswith((TOO_LARGE, b"HTTP/1.1 400 "))
    assert memory(served) - before < 30
    assert served.ask("GET", "instances")[0] == 401


def test_a_long_address_is_logged_in_part(served):
    assert served.ask("GET", f"/{'a' * 60_000}")[0] == 404
    served.until_said("aaa… 404")
    assert "a" * 1000 not in served.errors


@pytest.mark.parametrize("piece", [b"X: y\r\n" * 1000, b"x" * 65536], ids=["lines", "one"])
def test_trailers_without_an_end_are_not_kept(served, piece):
    before = memory(served)
    flood(served.port, TRAILERS, piece, 2000)
    assert memory(served) - before < 30


def test_half_open_requests_cost_little_and_hold_up_nobody(served):
    before = memory(served)
    with ExitStack() as stack:
        for _ in range(900):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 10))
            half.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000)
        assert served.ask("GET", "instances")[0] == 401
        assert memory(served) - before < 60


class Talk:
    """A connection to the server's own protocol, over a real socket; `scopes` and `bodies` are what
    the application was given.
    """

    def __init__(self) -> None:
        self.scopes: list[dict] = []
        self.bodies: list[bytes] = []
        self.state = ServerState()

    async def app(self, scope, receive, send) -> None:
        self.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
        )
        await send({"type": "http.response.body", "body": b"ok"})

    def run(
        self, script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        async def go() -> None:
            config = uvicorn.Config(
                self.app,
                http=Connection,
                interface="asgi3",
                ws="none",
                lifespan="off",
                log_config=None,
            )
            config.load()
            loop = asyncio.get_running_loop()
            async with await loop.create_server(
                lambda: Connection(config, self.state, {}), "127.0.0.1", 0
            ) as listener:
                reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
                await asyncio.wait_for(script(reader, writer), 20)
                writer.close()
                await writer.wait_closed()
                for each in list(self.state.connections):
                    each.transport.close()

        asyncio.run(go())

    async def until(self, is_met: Callable[[], bool]) -> None:
        while not is_met():
            await asyncio.sleep(0)

    async def received(self, size: int) -> Connection:
        """The server's side, once it has that many bytes of a head."""
        await self.until(lambda: any(len(each._head) == size for each in self.state.connections))
        return next(iter(self.state.connections))


def test_one_connection_too_many_takes_the_place_of_the_one_that_has_waited_longest(monkeypatch):
    talk = Talk()
    monkeypatch.setattr(Connection, "most", 3)

    async def script(reader, writer) -> None:
        address = writer.get_extra_info("peername")
        others = [await asyncio.open_connection(*address) for _ in range(2)]
        await talk.until(lambda: len(talk.state.connections) == 3)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"ok")
        others.append(await asyncio.open_connection(*address))
        assert await others[0][0].read() == b""
        await talk.until(lambda: len(talk.state.connections) == 3)
        for each, other in [(reader, writer), *others[1:]]:
            other.write(b"GET / HTTP/1.1\r\n\r\n")
            await each.readuntil(b"ok")
        for _, other in others:
            other.close()

    talk.run(script)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (
            b"GET / HTTP/1.1\r\nX: y",
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ),
    ],
    ids=["nothing", "half a head"],
)
def test_a_head_that_does_not_come_in_time_ends_the_connection(sent: bytes, answer: bytes):
    talk = Talk()

    async def script(reader, writer) -> None:
        writer.write(sent)
        connection = await talk.received(len(sent))
        now = asyncio.get_running_loop().time()
        connection.end_if_overdue(now + HEAD_SECONDS - 1)
        assert not connection.transport.is_closing()
        connection.end_if_overdue(now + HEAD_SECONDS + 1)
        if answer:
            connection.end_if_overdue(now + HEAD_SECONDS + LINGER_SECONDS + 2)
        assert await reader.read() == answer
        assert talk.scopes == []

    talk.run(script)


def test_a_body_that_does_not_come_in_time_ends_the_connection():
    talk = Talk()

    async def script(reader, writer) -> None:
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123")
        await talk.until(lambda: bool(talk.scopes))
        (connection,) = talk.state.connections
        now = asyncio.get_running_loop().time()
        connection.end_if_overdue(now + HEAD_SECONDS + 1)
        assert not connection.transport.is_closing()
        connection.end_if_overdue(now + HEAD_SECONDS + BODY_SECONDS + 2)
        assert await reader.read() == b""

    talk.run(script)


def test_an_idle_connection_after_an_answer_is_not_overdue():
    talk = Talk()

    async def script(reader, writer) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK\r\n")
        (connection,) = talk.state.connections
        connection.end_if_overdue(asyncio.get_running_loop().time() + 1000)
        assert not connection.transport.is_closing()

    talk.run(script)


def test_a_head_may_come_byte_by_byte_and_requests_one_after_the_other_in_one_piece():
    talk = Talk()
    request = b"\r\nPOST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"

    async def script(reader, writer) -> None:
        for each in request % 1:
            writer.write(bytes([each]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.readuntil(b"ok")
        writer.write(request % 2 + request % 3 + (request % 4)[:20])
        await reader.readuntil(b"ok")
        await reader.readuntil(b"ok")
        writer.write((request % 4)[20:])
        await reader.readuntil(b"ok")

    talk.run(script)
    assert [scope["path"] for scope in talk.scopes] == ["/1", "/2", "/3", "/4"]
    assert talk.bodies == [b"abc"] * 4


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.2"])
def test_an_upgrade_is_not_made_and_the_body_of_its_request_is_kept(upgrade: bytes):
    talk = Talk()
    head = (
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nuPgrade : %s\r\nContent-Length: "
        b"3\r\n\r\n"
    ) % upgrade

    async def script(reader, writer) -> None:
        for _ in range(2):
            writer.write(head.replace(b" :", b":") + b"abc")
            await reader.readuntil(b"ok")

    talk.run(script)
    assert talk.bodies == [b"abc", b"abc"]


def test_the_largest_head_passes():
    talk = Talk()
    start = b"GET / HTTP/1.1\r\nX: "

    async def script(reader, writer) -> None:
        writer.write(start + b"x" * (MOST_HEAD - len(start)) + b"\r\n\r\n")
        await reader.readuntil(b"ok")
        writer.write(start + b"x" * (MOST_HEAD - len(start) + 1) + b"\r\n\r\n")
        assert (await reader.read()).startswith(TOO_LARGE)

    talk.run(script)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/1.1\n\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 404),
        (
            f"GET {BASE}/instances HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: "
            "h2c\r\n\r\n".encode(),
            401,
        ),
    ],
    ids=["connect", "tls", "http/2", "bare line ends", "websocket", "h2c"],
)
def test_a_request_for_another_protocol_has_a_short_answer_and_no_advice(
    served, request_: bytes, status: int
):
    with socket.create_connection(("127.0.0.1", served.port), 10) as connection:
        connection.sendall(request_)
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)
    assert "pip" not in served.errors
    assert "websocket" not in served.errors
    assert "upgrade" not in served.errors
    assert "warning" not in served.errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["serve --port 0", "worker"])
def test_a_signal_at_the_greeting_ends_what_runs_for_long(tmp_path, command, number):
    (tmp_path / "function_app.py").write_text(APP)
    arguments = [sys.executable, "-m", "durablectl", *command.split()]
    with subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        greeting = next(line for line in process.stderr if "stop it with Ctrl-C" in line)
        process.send_signal(number)
        assert process.wait(30) == 0, greeting


def test_a_stop_before_the_server_runs_is_not_lost():
    async def app(scope, receive, send) -> None: ...

    stopping, heard = threading.Event(), []
    stopping.set()
    with uvicorn_server.bind("127.0.0.1", 0) as bound:
        uvicorn_server.run(
            app, bound, stopping, on_exit=lambda: heard.append("exit"), warn=heard.append
        )
    assert heard == ["exit"]
