"""What `serve` has acknowledged is on disk, and no client's trouble is another one's."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.serving import BASE, OWN, serving

APP = (
    OWN
    + """
import time
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def echo(context):
    return context.get_input()

@app.orchestration_trigger(context_name="context")
def waits(context):
    return (yield context.wait_for_external_event("Go"))

@app.orchestration_trigger(context_name="context")
def size(context):
    return len(context.get_input())

@app.orchestration_trigger(context_name="context")
def stuck(context):
    return (yield context.call_activity("sleep", 60))

@app.activity_trigger(input_name="seconds")
def sleep(seconds):
    time.sleep(seconds)

@app.route(route="stuck")
def stuck_function(req):
    time.sleep(60)

@app.route(route="blocked")
async def blocked(req):
    time.sleep(60)
"""
)
MEGA = 1024 * 1024


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    return tmp_path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(APP)
    with serving(folder) as server:
        yield server


def speak(served, data: bytes, *, half_closes: bool = False) -> bytes:
    """Everything that the server says to raw bytes, until it closes or falls silent."""
    with socket.create_connection(("127.0.0.1", served.port), 5) as connection:
        connection.sendall(data)
        if half_closes:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        said = b""
        try:
            while part := connection.recv(65536):
                said += part
        except TimeoutError:
            pass
        return said


def test_an_acknowledged_start_survives_sigkill(folder):
    with serving(folder) as server, ThreadPoolExecutor(8) as clients:
        ids = [f"k{n}" for n in range(80)]
        answered = [
            clients.submit(server.ask, "POST", f"orchestrators/waits/{each}") for each in ids
        ]
        kept = [
            each
            for each, answer in zip(ids, answered[:40], strict=False)
            if answer.result()[0] == 202
        ]
        server.process.send_signal(signal.SIGKILL)
        for each, answer in zip(ids[40:], answered[40:], strict=True):
            try:
                kept += [each] if answer.result()[0] == 202 else []
            except (OSError, http.client.HTTPException):
                continue
    with serving(folder) as server:
        assert [each for each in kept if server.ask("GET", f"instances/{each}")[0] != 202] == []
        assert [
            server.ask(
                "POST", f"instances/{each}/raiseEvent/Go", 1, {"Content-Type": "application/json"}
            )[0]
            for each in kept[:3]
        ] == [202] * 3
        assert [server.finished(each)["output"] for each in kept[:3]] == [1, 1, 1]


def test_sigterm_ends_waits_with_their_addresses_and_leaves_within_5_seconds(folder):
    with serving(folder) as server, ThreadPoolExecutor(1) as client:
        server.ask("POST", "orchestrators/stuck")
        threading.Thread(
            target=speak,
            args=(server, b"GET /api/blocked HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            daemon=True,
        ).start()
        waiting = client.submit(
            server.ask, "POST", "orchestrators/waits/w?timeout=60&pollingInterval=1"
        )
        server.until(
            "instances/w", lambda _status, body: body and body["runtimeStatus"] == "Running"
        )
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 5
        status, links = waiting.result()
        assert (status, links["id"]) == (202, "w")


def test_two_servers_share_a_hub(folder):
    with serving(folder) as one, serving(folder) as other:
        assert one.ask("POST", "orchestrators/waits/shared")[0] == 202
        assert other.ask("POST", "orchestrators/waits/shared")[0] == 409
        other.until("instances/shared", lambda _status, body: body["runtimeStatus"] == "Running")
        assert (
            other.ask(
                "POST", "instances/shared/raiseEvent/Go", 7, {"Content-Type": "application/json"}
            )[0]
            == 202
        )
        assert one.finished("shared")["output"] == 7


def test_200_clients_at_once_are_all_answered(served):
    with ThreadPoolExecutor(200) as clients:
        answers = list(
            clients.map(
                lambda n: served.ask(
                    "POST", f"orchestrators/echo/c{n}?timeout=20&pollingInterval=1", n
                ),
                range(200),
            )
        )
    assert answers == [(200, n) for n in range(200)]


def test_of_many_starts_with_one_id_one_is_accepted(served):
    with ThreadPoolExecutor(20) as clients:
        answers = list(
            clients.map(lambda _n: served.ask("POST", "orchestrators/waits/only-one")[0], range(40))
        )
    assert sorted(answers) == [202] + [409] * 39


def test_a_body_of_100_mb_passes(served):
    body = b'"' + b"x" * (100 * MEGA - 2) + b'"'
    assert served.ask(
        "POST", "orchestrators/size/large?timeout=60&pollingInterval=1&showInput=false", body
    ) == (200, 100 * MEGA - 2)


@pytest.mark.parametrize("has_length", [True, False], ids=["with a length", "in chunks"])
def test_a_longer_body_is_refused_with_413(has_length, served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    pieces = [b"x" * MEGA] * 101
    body = b"".join(pieces) if has_length else iter(pieces)
    connection.request(
        "POST",
        f"{BASE}/orchestrators/size",
        body,
        encode_chunked=not has_length,
        headers={} if has_length else {"Transfer-Encoding": "chunked"},
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_pipelined_requests_are_answered_in_their_order(served):
    one = f"GET {BASE}/instances/p%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
    two = (
        f"POST {BASE}/orchestrators/echo/p%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "1\r\n\r\n1"
    )
    said = speak(served, ((two % 1) + (one % 2) + (two % 3)).encode())
    assert [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]] == [b"202", b"404", b"202"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"\r\n" * 40,
    ],
    ids=["tls", "half a line", "a version to come", "a length that is none", "empty lines"],
)
def test_what_is_no_http_harms_nobody(data, served):
    said = speak(served, data, half_closes=True)
    assert said == b"" or said.startswith(b"HTTP/1.1 4")
    assert served.ask("GET", "instances/absent")[0] == 404


def test_slow_clients_and_clients_that_vanish_stop_nobody(served):
    head = (
        f"POST {BASE}/orchestrators/echo/slow%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "10\r\n\r\n1"
    ).encode()
    open_ones = [socket.create_connection(("127.0.0.1", served.port), 5) for _ in range(50)]
    for number, connection in enumerate(open_ones):
        connection.sendall(head.replace(b"%d", str(number).encode()))
    assert served.ask("POST", "orchestrators/echo/quick?timeout=10&pollingInterval=1", 1) == (
        200,
        1,
    )
    for connection in open_ones:
        connection.close()
    assert served.ask("GET", "instances/slow1")[0] == 404
    assert served.ask("GET", "instances/quick")[0] == 200


def test_a_client_that_vanishes_while_it_waits_stops_nobody(served):
    with socket.create_connection(("127.0.0.1", served.port), 5) as connection:
        target = f"{BASE}/orchestrators/waits/left?timeout=60&pollingInterval=1"
        connection.sendall(
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
        )
        served.until("instances/left", lambda status, _body: status == 202)
    assert served.ask("POST", "instances/left/terminate")[0] == 202
    assert served.finished("left")["runtimeStatus"] == "Terminated"


def test_a_function_that_blocks_stops_nobody(served):
    with ThreadPoolExecutor(2) as clients:
        for name in ("stuck", "blocked"):
            clients.submit(
                lambda name=name: speak(
                    served, f"GET /api/{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                )
            )
        assert served.ask("POST", "orchestrators/echo/beside?timeout=10&pollingInterval=1", 2) == (
            200,
            2,
        )
