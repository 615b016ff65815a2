"""Apps as real files in a folder of their own, which is also the working directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from durablectl.engine.registry import Registry
from durablectl.functionapp.importing import leave
from durablectl.functionapp.loader import load_app

OWN = "from durablectl import df\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before, environ = dict(sys.modules), dict(os.environ)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    leave()
    for name in ("NAME", "CITY"):
        if name not in environ:
            os.environ.pop(name, None)
    assert {
        name
        for name in sys.modules.keys() - before.keys()
        if name.startswith(("function_app", "__app__", "shared"))
    } == set()


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(folder: Path, write: Callable[[str, str], Path]) -> Callable[[str], Registry]:
    """Write `source` as a function_app.py and load it."""

    def load(source: str, names: str = OWN) -> Registry:
        return load_app(write("function_app.py", names + dedent(source)))

    return load
