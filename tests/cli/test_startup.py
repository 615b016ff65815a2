"""What a command may import: start-up is a feature, and a list of modules guards it better than a clock."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {"httpx", "rich", "pydantic", "jmespath", "tomlkit", "asyncio", "azure", "sqlite3", "platformdirs"}
ASK = """
import sys
from durablectl.__main__ import main
sys.argv[1:] = {args!r}
code = main()
print("\\n", *sys.modules, file=sys.stderr)
sys.exit(code)
"""
APP = """
from durablectl import df
app = df.DFApp()
@app.orchestration_trigger(context_name="context")
def hello(context):
    return "hello"
    yield
"""


def modules(*args: str) -> tuple[set[str], str]:
    """All modules that one command line imports, and its stdout."""
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(args=list(args))], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()), done.stdout


def test_version_imports_nothing_but_the_version():
    loaded, out = modules("--version")
    assert out.startswith("durablectl ")
    ours = {name for name in loaded if name.startswith("durablectl")}
    assert ours == {"durablectl", "durablectl.__main__", "durablectl.version"}
    assert not loaded & {"typer", "inspect", "dataclasses", *HEAVY}


def test_help_imports_no_command_and_nothing_heavy():
    loaded, _out = modules("--help")
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith(("durablectl.cli.commands.", "durablectl.engine.", "durablectl.backends."))}


@pytest.mark.parametrize("command", ["status", "list", "wait", "start", "context"])
def test_the_help_of_a_command_imports_no_engine_and_no_transport(command):
    loaded, _out = modules(command, "--help")
    assert not loaded & {"httpx", "rich", "pydantic", "azure", "sqlite3", "tomlkit"}


def test_a_piped_local_status_imports_what_it_needs(run, project):
    (project / "function_app.py").write_text(APP)
    assert run("run", "hello", "--instance-id", "h-1").code == 0
    loaded, out = modules("status", "h-1")
    assert "Completed" in out
    assert not loaded & {"httpx", "pydantic", "azure", "asyncio", "jmespath", "tomlkit", "rich.table"}
    assert not {name for name in loaded if name.startswith("rich")}
    assert not {"durablectl.functionapp", "durablectl.engine.replay", "durablectl.engine.worker"} & loaded


def test_a_completion_imports_nothing_heavy():
    environ = {**os.environ, "_DURABLECTL_COMPLETE": "fish"}
    source = ASK.format(args=["context", "u"])
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, env=environ)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert done.stdout.startswith("use\t")
    assert not loaded & {"httpx", "rich", "pydantic", "azure", "sqlite3", "tomlkit"}


def test_this_version_of_typer_imports_no_pydantic():
    """The reason for the upper bound on typer (docs/adr): once a newer one passes here, the bound can go."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, typer; print('pydantic' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
