"""azure-functions-durable 2.x on a Python that is too old for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import azure.durable_functions as df
app = df.DFApp()
"""


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this Python is new enough for it")
def test_an_app_for_a_newer_python_is_told_which_one_it_needs(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "azure" / "durable_functions"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .client import Client\n")
    (package / "client.py").write_text("from typing import what_only_a_newer_python_has\n")
    info = tmp_path / "lib" / "azure_functions_durable-2.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: azure-functions-durable\nVersion: 2.0.0\n")
    (tmp_path / "function_app.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-m", "durablectl", "functions"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "lib"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    here = ".".join(map(str, sys.version_info[:2]))
    told = f"azure-functions-durable 2.0.0 needs Python 3.13 or later, and this is {here}"
    assert told in done.stderr
    assert "Traceback" not in done.stderr
