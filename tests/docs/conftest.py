"""Readers of the pages: a home of their own, the examples, and an app at an address."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = "a-key-of-the-tests"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The variables of a reader with an empty home, in whose shell durablectl is the one under
    test.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    folders = {
        "HOME": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_STATE_HOME": "home/.state",
        "XDG_DATA_HOME": "home/.data",
    }
    folders |= {"RUNNER_TEMP": "temp", "AGENT_TEMPDIRECTORY": "temp"}
    for folder in folders.values():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return {
        "PATH": path,
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "ORDERS_KEY": KEY,
        **{name: str(tmp_path / each) for name, each in folders.items()},
    }


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where a reader begins: beside a copy of the examples."""
    shutil.copytree(
        ROOT / "examples",
        tmp_path / "work" / "examples",
        ignore=shutil.ignore_patterns(".durablectl", "__pycache__"),
    )
    return tmp_path / "work"


@pytest.fixture
def address(tmp_path: Path, home: dict[str, str]) -> Iterator[str]:
    """The address of the example app behind a real server with a key, in the place of the one on
    Azure.
    """
    app = tmp_path / "azure"
    shutil.copytree(
        ROOT / "examples" / "orders",
        app,
        ignore=shutil.ignore_patterns(".durablectl", "__pycache__"),
    )
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "serve",
        "--port",
        "0",
        "--key-env",
        "ORDERS_KEY",
        "--log",
        "off",
    ]
    with subprocess.Popen(command, cwd=app, env=home, stderr=subprocess.PIPE, text=True) as server:
        lines = iter(server.stderr.readline, "")  # type: ignore[union-attr]
        found = next(
            (match[0] for line in lines if (match := re.search(r"http://127\.0\.0\.1:\d+", line))),
            None,
        )
        try:
            assert found, "the server did not start"
            yield found
        finally:
            server.terminate()
