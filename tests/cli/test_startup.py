"""What a command may import: start-up is a feature, and a list of modules guards it better than a
clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from grpc_server import durable_task_server, needs_durabletask
from scripted_server import scripted_server, status

HEAVY = {
    "httpx",
    "rich",
    "pydantic",
    "jmespath",
    "tomlkit",
    "asyncio",
    "azure",
    "grpc",
    "google.protobuf",
    "sqlite3",
    "platformdirs",
}
IDLE = {
    "asyncio",
    "azure",
    "click",
    "concurrent.futures",
    "google.protobuf",
    "grpc",
    "hashlib",
    "importlib.resources",
    "jmespath",
    "logging",
    "pydantic",
    "pygments",
    "platformdirs",
    "queue",
    "random",
    "rich",
    "shutil",
    "subprocess",
    "tempfile",
    "tomlkit",
    "traceback",
    "typer",
    "uuid",
}
# what a local hub reads with, and nothing that runs anything
ENGINE = {
    "durablectl.engine.store",
    "durablectl.engine.store.connections",
    "durablectl.engine.store.database",
    "durablectl.engine.store.instances",
    "durablectl.engine.store.notifier",
    "durablectl.engine.store.open_file",
    "durablectl.engine.store.queries",
}
VALUES = {
    "CheckStatusPayload",
    "EntityId",
    "EntityStatus",
    "HistoryEvent",
    "InstanceFilter",
    "InstanceStatus",
    "Page",
}
ASK = """
import gc, sys
from durablectl.__main__ import main
sys.argv[1:] = {args!r}
code = main()
named = [each for name, module in sys.modules.items() if name.startswith("durablectl") for each in vars(module).values()]
print(file=sys.stderr)
print(*(name for name, module in sys.modules.items() if module is not None), file=sys.stderr)
print(*(each.__name__ for each in named if isinstance(each, type) and "__dataclass_fields__" in vars(each)), file=sys.stderr)
print(gc.isenabled(), gc.get_freeze_count() > 10_000, file=sys.stderr)
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


class Loaded(NamedTuple):
    """What one command line printed, and what it loaded for that."""

    out: str
    modules: set[str]
    dataclasses: set[str]
    garbage: str

    @property
    def ours(self) -> set[str]:
        return {name for name in self.modules if name.startswith("durablectl")}


def load(*args: str, **environ: str) -> Loaded:
    """Run a command line in a process of its own."""
    source = ASK.format(args=list(args))
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stderr
    modules, dataclasses, garbage = done.stderr.splitlines()[-3:]
    return Loaded(done.stdout, set(modules.split()), set(dataclasses.split()), garbage)


@pytest.fixture
def hello(run, project):
    """A project whose local hub has the finished instance h-1."""
    (project / "function_app.py").write_text(APP)
    assert run("run", "hello", "--instance-id", "h-1").code == 0


def test_version_imports_nothing_but_the_version():
    loaded = load("--version")
    assert loaded.out.startswith("durablectl ")
    assert loaded.ours == {"durablectl", "durablectl.__main__", "durablectl.version"}
    assert not loaded.modules & {"typer", "typing", "re", "enum", "inspect", "dataclasses", *HEAVY}


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []], ids=str)
def test_help_imports_nothing_but_its_text(arguments, columns):
    loaded = load(*arguments, COLUMNS=columns)
    assert loaded.out.startswith("Usage: durablectl ")
    assert loaded.ours == {
        "durablectl",
        "durablectl.__main__",
        "durablectl.cli",
        "durablectl.cli.framework",
        "durablectl.cli.framework.command_table",
        "durablectl.cli.framework.help_text",
    }
    assert not loaded.modules & {"typer", "typing", "re", "enum", "inspect", "dataclasses", *HEAVY}


@pytest.mark.parametrize("command", ["status", "list", "wait", "start", "context"])
def test_the_help_of_a_command_imports_no_engine_and_no_transport(command):
    assert not load(command, "--help").modules & {
        "httpx",
        "rich",
        "pydantic",
        "azure",
        "sqlite3",
        "tomlkit",
    }


def test_a_piped_local_status_imports_what_reads_a_hub(hello):
    loaded = load("status", "h-1")
    assert "Completed" in loaded.out
    assert not loaded.modules & {"httpx", "socket", "shlex", *IDLE}
    assert {name for name in loaded.ours if name.startswith("durablectl.engine.")} <= ENGINE
    others = {
        name
        for name in loaded.ours
        if name.startswith(
            (
                "durablectl.functionapp.",
                "durablectl.polling.parallel",
                "durablectl.backends.http.hub",
            )
        )
    }
    assert others == {"durablectl.functionapp.search"}


def test_a_piped_local_status_makes_few_dataclasses(hello):
    """Each costs a millisecond, a named tuple a quarter: only what the library takes or hands out
    is one.
    """
    assert load("status", "h-1").dataclasses <= VALUES


def test_completing_an_id_imports_what_reads_a_hub(hello):
    loaded = load(
        _DURABLECTL_COMPLETE="bash", _DURABLECTL_LINE="durablectl status h", _DURABLECTL_WORD="h"
    )
    assert loaded.out == "h-1\n"
    assert not loaded.modules & {"httpx", "socket", *IDLE}
    assert {name for name in loaded.ours if name.startswith("durablectl.engine.")} <= ENGINE


def test_a_status_over_http_imports_no_engine_and_none_of_httpxs_command_line():
    with scripted_server() as server:
        server.on("GET", "/instances/a", (200, status("a")))
        loaded = load("status", "a", "--hub", server.url)
    assert "Completed" in loaded.out
    assert not loaded.modules & {
        "azure",
        "click",
        "google.protobuf",
        "grpc",
        "jmespath",
        "pydantic",
        "pygments",
        "rich",
        "sqlite3",
        "tomlkit",
        "typer",
    }
    assert not {name for name in loaded.ours if name.startswith("durablectl.engine")}


@needs_durabletask
def test_a_status_over_grpc_imports_no_engine_and_no_http():
    with durable_task_server() as address:
        assert load("run", "echo", "a=b", "--instance-id", "a", "--hub", address).out
        loaded = load("status", "a", "--hub", address)
    assert "Completed" in loaded.out
    assert not loaded.modules & {"azure", "click", "httpx", "jmespath", "rich", "sqlite3"}
    assert not {name for name in loaded.ours if name.startswith("durablectl.engine")}
    assert not loaded.modules & {
        "durablectl.polling.loop",
        "google.protobuf.descriptor_pb2",
        "google.protobuf.descriptor_pool",
        "google.protobuf.text_format",
        "uuid",
    }
    assert loaded.dataclasses <= VALUES
    assert loaded.garbage == "True True"


def test_completing_a_command_imports_nothing_heavy():
    loaded = load("context", "u", _DURABLECTL_COMPLETE="fish")
    assert loaded.out.startswith("use\t")
    assert not loaded.modules & {"httpx", "rich", "pydantic", "azure", "sqlite3", "tomlkit"}


def test_every_command_is_there_without_the_extras():
    code = (
        "import sys\nfor name in ('google', 'grpc', 'starlette', 'uvicorn', 'azure'):\n"
        "    sys.modules[name] = None\n"
        "sys.argv = ['durablectl', 'help', '--json']\n"
        "from durablectl.__main__ import main\nsys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"doctor"' in done.stdout


def test_garbage_is_collected_once_a_command_runs():
    # on, and what start-up made is not looked at
    assert load("context", "list").garbage == "True True"


def test_this_version_of_typer_imports_no_pydantic():
    """The reason for the upper bound on typer (docs/adr): once a newer one passes here, the bound
    can go.
    """
    done = subprocess.run(
        [sys.executable, "-c", "import sys, typer; print('pydantic' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
