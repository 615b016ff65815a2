"""A process at a terminal of its own, as a person has it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """What a process at a terminal has written so far, and what is typed there."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor, self.text = process, descriptor, ""

    def wait_for(self, text: str, seconds: float = 20.0, *, after: int = 0) -> str:
        """Read on until `text` is there, behind the first `after` characters; all that was
        written."""
        end = time.monotonic() + seconds
        while text not in self.text[after:]:
            assert time.monotonic() < end, f"{text!r} did not come: {self.text[-2000:]!r}"
            self._read(0.2)
        return self.text

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def end(self, seconds: float = 20.0) -> int:
        """Read on until the process has ended; its exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.1)
        while self._read(0.05):
            pass
        return self.process.wait(1)

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._descriptor)

    def resize(self, columns: int, lines: int) -> None:
        _resize(self._descriptor, columns, lines)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return False
        try:
            read = os.read(self._descriptor, 65536)
        except OSError:  # its end, on Linux
            return False
        self.text += read.decode("utf-8", "replace")
        return bool(read)


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    columns: int = 80,
    lines: int = 24,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Terminal]:
    """A process at a terminal of this size; it is killed if it has not ended."""
    ours, theirs = pty.openpty()
    _resize(ours, columns, lines)
    environ = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", **(env or {})}
    for name in ("COLUMNS", "LINES"):
        environ.pop(name, None)
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(
        command,
        env=environ,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_take_terminal,
        **streams,
    )
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            os.close(theirs)
        os.close(ours)


def durablectl(*args: str) -> list[str]:
    return [sys.executable, "-m", "durablectl", *args]


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal


def _resize(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
