"""What `durablectl serve` answers a second, beside the same ASGI server answering a constant, in
one run.

usage: python benchmarks/serve.py [--seconds 3] [--connections 8]

Starts, status reads and create-and-wait of three activities from 8 connections; the latency of
create-and-wait one at a time. Requests are raw HTTP/1.1 on kept connections, so that the client
costs as little as it can. Only the ratios count: machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

BASE = "/runtime/webhooks/durabletask"
APP = """
from durablectl import df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def three(context):
    said = []
    for n in range(3):
        said.append((yield context.call_activity("hello", n)))
    return said


@app.orchestration_trigger(context_name="context")
def never(context):
    yield context.wait_for_external_event("Never")


@app.activity_trigger(input_name="n")
def hello(n):
    return n
"""
CONSTANT = """
import sys
import uvicorn


async def app(scope, receive, send):
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


uvicorn.run(
    app,
    port=int(sys.argv[1]),
    http="httptools",
    loop="asyncio",
    lifespan="off",
    log_level="error",
    access_log=False,
)
"""


class Connection:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        self._writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            f"{len(body)}\r\n\r\n".encode()
            + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        return int(head[9:12]), await self._reader.readexactly(length) if length else b""


async def rate(
    port: int, seconds: float, connections: int, method: str, target: str, body: bytes = b""
) -> float:
    """Answers a second; an answer that is no success ends the run."""
    end, counts = time.perf_counter() + seconds, []

    async def client() -> None:
        count = 0
        async with Connection(port) as connection:
            while time.perf_counter() < end:
                status, answer = await connection.ask(method, target, body)
                if status >= 300:
                    raise SystemExit(f"{method} {target}: {status} {answer[:200]!r}")
                count += 1
        counts.append(count)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - started)


async def latencies(port: int, count: int, target: str) -> list[float]:
    found = []
    async with Connection(port) as connection:
        for _ in range(count):
            started = time.perf_counter()
            status, answer = await connection.ask("POST", target)
            if status != 200:
                raise SystemExit(f"{target}: {status} {answer[:200]!r}")
            found.append((time.perf_counter() - started) * 1000)
    return sorted(found)


def free_ports(count: int) -> list[int]:
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(command: list[str], port: int, cwd: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
    )
    import socket

    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{command} does not listen")


def measure(
    folder: Path, seconds: float, connections: int, more: list[str]
) -> Iterator[tuple[str, float, str]]:
    port, bare = free_ports(2)
    (folder / "function_app.py").write_text(textwrap.dedent(APP))
    serve = [
        sys.executable,
        "-m",
        "durablectl",
        "serve",
        "--port",
        str(port),
        "--log",
        "off",
        *more,
    ]
    processes = [
        start(serve, port, folder),
        start([sys.executable, "-c", CONSTANT, str(bare)], bare, folder),
    ]
    try:
        wait = f"{BASE}/orchestrators/three?timeout=30&pollingInterval=1"
        asyncio.run(latencies(port, 5, wait))
        constant = asyncio.run(rate(bare, seconds, connections, "GET", "/"))
        yield "bare ASGI server, a constant", constant, "answers/s"
        yield (
            "starts (of what waits)",
            asyncio.run(
                rate(port, seconds, connections, "POST", f"{BASE}/orchestrators/never", b'{"n":1}')
            ),
            "/s",
        )
        asyncio.run(one(port, "POST", f"{BASE}/orchestrators/three/read"))
        yield (
            "status reads",
            asyncio.run(rate(port, seconds, connections, "GET", f"{BASE}/instances/read")),
            "/s",
        )
        yield "create-and-wait", asyncio.run(rate(port, seconds, connections, "POST", wait)), "/s"
        found = asyncio.run(latencies(port, 200, wait))
        yield "create-and-wait, one at a time, p50", statistics.median(found), "ms"
        yield "create-and-wait, one at a time, p99", found[int(len(found) * 0.99)], "ms"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


async def one(port: int, method: str, target: str) -> None:
    async with Connection(port) as connection:
        await connection.ask(method, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(Path(folder), options.seconds, options.connections, []))
    constant = rows[0][1]
    for name, value, unit in rows:
        ratio = "" if unit == "ms" else f"  {value / constant:5.2f} of the constant"
        print(
            json.dumps({"name": name, "value": value, "unit": unit})
            if options.json
            else f"{name:40} {value:8.1f} {unit}{ratio}"
        )


if __name__ == "__main__":
    main()
