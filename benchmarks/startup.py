"""How long whole commands take, as multiples of `python -c pass` in the same minute.

They are those of a normal installation in an environment of its own, as a stranger has it: an
editable one has more to search.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.serve import free_ports, start
from durablectl.backends.local import LocalTaskHub

Figures = dict[str, float]
ROOT = Path(__file__).parent.parent
ROUNDS = 15
STATUS = (
    b'{"name":"hello","instanceId":"h-1","runtimeStatus":"Completed","input":null,"customStatus":null,"output":"hi",'
    b'"createdTime":"2026-01-01T00:00:00Z","lastUpdatedTime":"2026-01-01T00:00:01Z"}'
)


APP = """
import durablectl.df as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def hello(context):
    return "hi"
"""


class Answer(BaseHTTPRequestHandler):
    """A remote hub of one finished instance."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(STATUS)))
        self.end_headers()
        self.wfile.write(STATUS)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def seconds(command: Sequence[str], environ: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
        check=True,
    )
    return time.perf_counter() - began


def installed(folder: Path) -> Path:
    """Where the programs of a fresh environment are that durablectl was installed into, compiled as
    pip does it.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [
            programs / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            f"{ROOT}[grpc,serve]",
        ],
        check=True,
    )
    return programs


@contextmanager
def grpc_endpoint(tool: str, folder: Path) -> Iterator[str]:
    """While inside, `serve --grpc` is up with the finished instance h-1; its address."""
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        hub.start("hello", instance_id="h-1")
    http, port = free_ports(2)
    arguments = ["--port", str(http), "--grpc", str(port), "--log", "off", "--hub", "hub.db"]
    process = start([tool, "serve", *arguments], port, folder)
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def startup(folder: Path) -> Figures:
    programs = installed(folder / "installed")
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        hub.start("hello", instance_id="h-1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tool, on_disk = str(programs / "durablectl"), ["--hub", str(folder / "hub.db")]
    line = f"durablectl status --hub {folder / 'hub.db'} h"
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "pass": ([str(programs / "python"), "-c", "pass"], {}),
        "--version": ([tool, "--version"], {}),
        "--help": ([tool, "--help"], {}),
        "status": ([tool, "status", "h-1", *on_disk], {}),
        "completion": (
            [tool],
            {"_DURABLECTL_COMPLETE": "bash", "_DURABLECTL_LINE": line, "_DURABLECTL_WORD": "h"},
        ),
        "status over HTTP": (
            [tool, "status", "h-1", "--hub", f"http://127.0.0.1:{server.server_port}"],
            {},
        ),
    }
    taken: dict[str, list[float]] = {}
    with grpc_endpoint(tool, folder / "served") as address:
        commands["status over gRPC"] = ([tool, "status", "h-1", "--hub", address], {})
        for _ in range(ROUNDS):  # in turn, so that a busy moment meets all of them
            for name, (command, environ) in commands.items():
                taken.setdefault(name, []).append(seconds(command, environ))
    server.shutdown()
    base = statistics.median(taken.pop("pass"))
    return {"pass_ms": base * 1000} | {
        name: statistics.median(each) / base for name, each in taken.items()
    }


WORKLOADS = {"startup": (startup, ())}
