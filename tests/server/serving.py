"""A `durablectl serve` process for tests: a real one, on a port of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

BASE = "/runtime/webhooks/durabletask"
RECORDINGS = Path(__file__).parent.parent / "recordings"
AZURE = "import azure.functions as func\nimport azure.durable_functions as df\n"
OWN = "from durablectl import df\nfunc = df\n"


class Served:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], port: int, errors: Path) -> None:
        self.process, self.port, self._errors = process, port, errors
        self.base = f"http://127.0.0.1:{port}{BASE}"

    def ask(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request; its status, and its body as JSON if it is that.

        A `target` without a `/` in front is the API's.
        """
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(
                method,
                target if target.startswith("/") else f"{BASE}/{target}",
                content,
                headers or {},
            )
            answer = connection.getresponse()
            text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode()

    def until(self, target: str, is_met: Callable[[int, Any], bool], seconds: float = 20.0) -> Any:
        """Ask again and again until the answer is as wanted; that answer's body."""
        end = time.monotonic() + seconds
        while True:
            status, body = self.ask("GET", target)
            if is_met(status, body):
                return body
            assert time.monotonic() < end, f"{target} stays {status} {body}"
            time.sleep(0.01)

    def finished(self, instance_id: str) -> Any:
        """The status of an instance once it has ended."""
        return self.until(f"instances/{instance_id}", lambda status, _body: status == 200)

    @property
    def errors(self) -> str:
        """What the server has written to stderr."""
        return self._errors.read_text()

    def until_said(self, text: str, seconds: float = 10.0) -> None:
        """Wait until a text is on stderr."""
        end = time.monotonic() + seconds
        while text not in self.errors:
            assert time.monotonic() < end, f"{text!r} is not in {self.errors}"
            time.sleep(0.01)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


def spawn(
    folder: Path, *options: str, app: Path | None = None, environ: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "serve",
        "--hub",
        str(folder / "hub.db"),
        *options,
    ]
    with (folder / "stderr.txt").open("w") as errors:
        return subprocess.Popen(
            [*command, "--app", str(app or folder / "function_app.py")],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "COLUMNS": "200", **(environ or {})},
        )


@contextmanager
def serving(
    folder: Path,
    *options: str,
    app: Path | None = None,
    port: int = 0,
    environ: dict[str, str] | None = None,
) -> Iterator[Served]:
    """While inside, a server of `folder`'s hub and app is up."""
    process = spawn(folder, "--port", str(port), *options, app=app, environ=environ)
    try:
        yield Served(process, _port(process, folder / "stderr.txt"), folder / "stderr.txt")
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port(process: subprocess.Popen[str], errors: Path) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        line = next(
            (
                line
                for line in errors.read_text().splitlines()
                if line.startswith("task hub ") and BASE in line
            ),
            None,
        )
        if line is not None:
            return int(line.partition("://")[2].partition("/")[0].rpartition(":")[2])
        time.sleep(0.02)
    raise AssertionError(f"the server does not start: {errors.read_text()}")
