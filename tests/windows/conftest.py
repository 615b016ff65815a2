"""The command line under CPython for Windows, which Wine runs. `.ci/run windows` sets it up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PYTHON = os.environ.get("DURABLECTL_WINDOWS_PYTHON")
"""The folder of python.exe; without it these tests are skipped."""
WINE = next(filter(None, map(shutil.which, ("wine64", "/usr/lib/wine/wine64", "wine"))), None)
APP = """
import time
from pathlib import Path
from durablectl import df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def greet(context):
    said = yield context.call_activity("hello", context.get_input())
    return said


@app.orchestration_trigger(context_name="context")
def slow(context):
    return (yield context.call_activity("block", context.get_input()))


@app.orchestration_trigger(context_name="context")
def waits(context):
    return (yield context.wait_for_external_event("Go"))


@app.activity_trigger(input_name="name")
def hello(name):
    return f"Hello, {name}!"


@app.activity_trigger(input_name="flag")
def block(flag):
    if Path(flag).exists():
        return "taken over"
    Path(flag).touch()
    time.sleep(600)
"""


def windows_path(path: Path) -> str:
    """A path of this machine as a program under Wine names it."""
    return "Z:" + str(path).replace("/", "\\")


class Windows:
    """Runs programs of the Windows Python in one folder; ends those that still run."""

    def __init__(self, folder: Path, prefix: Path) -> None:
        self.folder, self.prefix = folder, prefix
        self._started: list[subprocess.Popen[str]] = []
        self.executable = str(Path(PYTHON or "") / "python.exe")
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(prefix.parent),
            "LANG": "C.UTF-8",
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """One `durablectl` command line to its end."""
        return self.python("-m", "durablectl", *words, **environ)

    def python(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        process = self._open(words, environ)
        out, err = process.communicate(timeout=180)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self, *words: str, until: str) -> tuple[subprocess.Popen[str], str]:
        """One `durablectl` command line that runs on, once stderr has a line with `until`; that
        line.
        """
        process = self._open(("-m", "durablectl", *words), {})
        assert process.stderr is not None
        for line in process.stderr:
            if until in line:
                return process, line
        raise AssertionError(f"it ended with {process.wait()}")

    def close(self) -> None:
        """End what still runs. Its pipes are not read to their end: Wine's own processes hold them."""
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def _open(self, words: tuple[str, ...], environ: dict[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(WINE), self.executable, *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**self.environ, **environ},
        )
        self._started.append(process)
        return process


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Windows of the tests' own, with an empty user profile."""
    if PYTHON is None or WINE is None:
        pytest.skip("no Windows Python and no Wine here: .ci/run windows sets both up")
    folder = tmp_path_factory.mktemp("wine") / "prefix"
    Windows(folder.parent, folder).python("-c", "pass")
    (folder / "dosdevices" / "d:").symlink_to(folder.parent)
    return folder


@pytest.fixture
def windows(tmp_path: Path, prefix: Path) -> Iterator[Windows]:
    """A folder with an app, whose name has a space and a letter that no legacy code page has."""
    folder = tmp_path / "my äpp"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP, encoding="utf-8")
    made = Windows(folder, prefix)
    yield made
    made.close()
