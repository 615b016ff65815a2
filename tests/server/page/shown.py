"""`durablectl ui` for tests: a real process, over a local hub with a worker or over any other."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from durablectl.backends.local import LocalTaskHub

SHOP = Path(__file__).with_name("shop.py")
API = "/runtime/webhooks/durabletask"


@dataclass
class Shown:
    """A running page; `url` has the token."""

    process: subprocess.Popen[str]
    url: str
    errors: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.url).query)["token"][0]

    def ask(
        self, method: str, target: str, body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send a request as it is; the answer, of which `text` is the body."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            answer.text = answer.read().decode()  # type: ignore[attr-defined]
            return answer

    def cookie(self) -> str:
        """What the token is exchanged for."""
        answer = self.ask("GET", f"/ui/?token={self.token}")
        return (answer.headers["Set-Cookie"] or "").partition(";")[0]

    def read(self, target: str) -> Any:
        return json.loads(self.ask("GET", f"/ui/api/{target}", Cookie=self.cookie()).text)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def showing(
    folder: Path, *options: str, environ: Mapping[str, str] | None = None
) -> Iterator[Shown]:
    """While inside, `durablectl ui` runs."""
    command = [sys.executable, "-m", "durablectl", *options, "ui", "--no-open"]
    errors = folder / "ui.txt"
    with errors.open("w") as stream, _running(command, folder, stream, environ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), errors.read_text()
        yield Shown(process, url, errors)


@contextmanager
def working(folder: Path) -> Iterator[LocalTaskHub]:
    """While inside, a worker runs the shop's functions for the hub in `folder`."""
    shutil.copy(SHOP, folder / "function_app.py")
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        hub.start_many([])
        command = [sys.executable, "-m", "durablectl", "--hub", "hub.db", "worker"]
        with (
            (folder / "worker.txt").open("w") as stream,
            _running(command, folder, stream, None),
        ):
            end = time.monotonic() + 20
            while not hub.has_worker():
                assert time.monotonic() < end, (folder / "worker.txt").read_text()
                time.sleep(0.02)
            yield hub


@contextmanager
def _running(
    command: list[str], folder: Path, errors: Any, environ: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), **(environ or {})},
    )
    try:
        yield process
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


def order(number: int, *skus: str, card: str = "4000-0001") -> dict[str, Any]:
    """The input of an Order."""
    return {"id": number, "card": card, "items": [{"sku": sku} for sku in skus or ("cup",)]}


DECLINED = "4000-9001"
