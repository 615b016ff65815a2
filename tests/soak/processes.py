"""The processes of a soak: how they are started, what /proc says of them, how they end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

EXPECTED_TALK = re.compile(
    r"using local hub|working; |stop it |stopped; |task hub |the page is at |\d+ orchestrators, |  POST |no "
    r"instance matches|\d+ instances? |"
    # what the app fails with on purpose
    r"\[\S+\] (activity '(fail|flaky)' failed: |orchestrator 'failing' failed: |  "
    r"\S+function_app\.py:\d+, in |    raise )"
)
END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds just now; `memory` in bytes."""

    memory: int
    threads: int
    handles: int


def sample(pid: int) -> Sample:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    memory = int(fields["VmRSS"].split()[0]) * 1024
    return Sample(memory, int(fields["Threads"]), len(os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208


class Running:
    """A `durablectl` process that is there until the end; what it says goes to files in
    `folder`."""

    def __init__(self, name: str, folder: Path, *words: str) -> None:
        self.name = name
        self._errors = folder / f"{name}.err"
        with (folder / f"{name}.out").open("wb") as out, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command(*words), cwd=folder, env=environ(folder), stdout=out, stderr=errors
            )

    @property
    def said(self) -> list[str]:
        return self._errors.read_text(errors="replace").splitlines()

    @property
    def surprises(self) -> list[str]:
        return [line for line in self.said if line and not EXPECTED_TALK.match(line)]

    def wait_for(self, text: str) -> str:
        """The line on stderr that holds `text`, once it is there."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            found = next((line for line in self.said if text in line), None)
            if found is not None:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{self.name} does not say {text!r}: {self.said}")

    def end(self) -> list[str]:
        """Ask it to leave; what is wrong with how it did."""
        if self.process.poll() is not None:
            return [f"{self.name} had ended with {self.process.returncode}: {self.said[-3:]}"]
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return [f"{self.name} did not end within {END_SECONDS:g} s"]
        return [f"{self.name} ended with {code}"] if code else []


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "durablectl", *words]


def environ(folder: Path) -> dict[str, str]:
    return os.environ | {"SOAK_RUNS": str(folder / "runs"), "COLUMNS": "200", "NO_COLOR": "1"}
