"""The import contracts of pyproject.toml: each of them can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BREACHES = {
    "dependencies point one way": ("model", "import durablectl.wire"),
    "one home for typer": ("a_new_module", "import typer"),
    "one home for rich": ("cli/commands/status", "import rich"),
    "one home for httpx": ("server/api", "import httpx"),
    "one home for the ASGI stack": ("library", "import starlette"),
    "one home for platformdirs": ("cli/commands/list", "import platformdirs"),
    "one home for protobuf": ("backends/grpc/hub", "import google"),
    "one home for gRPC": ("cli/doctor/grpc_hub", "import grpc"),
    "one home for sqlite3": ("backends/local", "import sqlite3"),
    "one home for the SDK": ("engine/registry", "import azure"),
    "one home for tomlkit": ("cli/commands/context", "import tomlkit"),
    "one home for jmespath": ("cli/commands/wait", "import jmespath"),
    "the protocol knows no gRPC and no hub": ("protocol/history", "import durablectl.taskhub"),
    "the rooms of the engine": ("engine/replay/state", "import durablectl.engine.store.leases"),
    "the rooms of the command line": ("cli/framework/exit_codes", "import durablectl.cli.session"),
    "only commands receive the session": ("cli/wait/until", "import durablectl.cli.session"),
    "only commands choose exit codes": (
        "cli/batch/report",
        "import durablectl.cli.framework.exit_codes",
    ),
    "no command imports another command": (
        "cli/commands/drain",
        "import durablectl.cli.commands.wait",
    ),
}


def verdicts(folder: Path) -> dict[str, str]:
    """What import-linter says of each contract of the copy in `folder`: KEPT or BROKEN."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.partition(" (")[0].rpartition(" ") for line in done.stdout.splitlines()]
    return {name: said for name, _, said in lines if said in ("KEPT", "BROKEN")}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(ROOT / "durablectl", folder / "durablectl")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, line in BREACHES.values():
        with (folder / "durablectl" / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    return verdicts(folder)


def test_each_contract_turns_red_when_it_is_broken(broken):
    assert broken == dict.fromkeys(BREACHES, "BROKEN")


def test_each_contract_has_been_broken_once():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert [contract["name"] for contract in contracts] == list(BREACHES)
