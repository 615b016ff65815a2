"""The command line as a person has it: argv in; exit code, stdout and stderr out; a home and a
working directory of its own.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from durablectl.cli.main import main

FOREIGN = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


class Result(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


class Run(Protocol):
    """The fixture `run`: one command line through `main`, in this process, with pipes for
    streams."""

    def __call__(
        self,
        *args: str | Path,
        stdin: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result: ...


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; the working directory is the empty folder `project` beside it."""
    for name in [
        name for name in os.environ if name.startswith(("DURABLECTL_", "XDG_")) or name in FOREIGN
    ]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    for variable, name in (
        ("HOME", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".state"),
        ("XDG_DATA_HOME", ".data"),
    ):
        monkeypatch.setenv(variable, str(folder / name))
    (tmp_path / "project").mkdir()
    folder.mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return folder


@pytest.fixture
def project(home: Path) -> Path:
    """The working directory."""
    return home.parent / "project"


@pytest.fixture
def user_file(home: Path) -> Path:
    """Where the user's contexts are kept."""
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "durablectl" / "contexts.toml"
    return home / ".config" / "durablectl" / "contexts.toml"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command line; `stdin` is what is piped into it, `env` is added to its environment."""

    def call(
        *args: str | Path, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Result:
        with monkeypatch.context() as patch, _streams() as (out, err):
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            patch.setattr(
                sys,
                "stdin",
                io.TextIOWrapper(
                    io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin or b""), "utf-8"
                ),
            )
            code = main([str(arg) for arg in args])
        return Result(int(code), out(), err())

    return call


@contextmanager
def _streams() -> Iterator[tuple[Callable[[], str], Callable[[], str]]]:
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors="surrogateescape", newline="")
        for _ in range(2)
    )

    def read(stream: io.TextIOWrapper) -> str:
        stream.flush()
        return stream.buffer.getvalue().decode("utf-8", "surrogateescape")  # type: ignore[attr-defined]

    with redirect_stdout(out), redirect_stderr(err):
        yield lambda: read(out), lambda: read(err)
