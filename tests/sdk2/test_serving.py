"""`serve` and the other commands with an app on azure-functions-durable 2.x, as processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdk2.conftest import APP
from tests.server.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("app")
    shutil.copy(APP / "function_app.py", folder)
    with serving(folder) as server:
        yield server


def durablectl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "durablectl", *arguments, "--app", str(APP)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "given", "output"),
    [
        ("compat", ["Ada"], ["Hello, Ada!"]),
        ("two_arguments", 2, [4, "later 4"]),
        ("asks", None, "asks"),
    ],
    ids=["one argument", "two arguments", "an activity with a client"],
)
def test_a_starter_waits_with_the_sdks_own_client(
    served: Served, name: str, given: Any, output: Any
) -> None:
    assert served.ask("POST", f"/api/run/{name}", given) == (200, output)


def test_a_starter_answers_with_addresses_that_lead_to_the_instance(served: Served) -> None:
    status, links = served.ask("POST", "/api/start/compat", ["Ada"])
    target = links["statusQueryGetUri"].removeprefix(f"http://127.0.0.1:{served.port}")
    found = served.until(target, lambda status, _body: status == 200)
    assert (status, found["output"]) == (202, ["Hello, Ada!"])


def test_a_synchronous_starter_has_a_client_too(served: Served) -> None:
    assert served.ask("GET", "/api/look/none") == (200, "none")


def test_an_instance_that_was_started_over_http_runs(served: Served) -> None:
    _, links = served.ask("POST", "orchestrators/typed", 4)
    assert served.finished(links["id"])["output"] == 5


def test_run_gives_activities_their_client(tmp_path: Path) -> None:
    done = durablectl(tmp_path, "run", "asks", "-o", "json", "--hub", "hub.db")
    assert (done.returncode, json.loads(done.stdout)["output"]) == (0, "asks"), done.stderr


def test_a_failure_is_logged_once_without_the_sdks_own_log(tmp_path: Path) -> None:
    done = durablectl(tmp_path, "run", "uses_entity", "--hub", "hub.db")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("entity, operation 'fail', failed: RuntimeError: refused") == 1
    assert "Traceback" not in done.stderr


def test_functions_lists_what_the_app_has_written(tmp_path: Path) -> None:
    done = durablectl(tmp_path, "functions")
    assert "two_arguments" in done.stdout
    assert "BuiltIn" not in done.stdout


def test_doctor_says_which_sdk_runs_the_orchestrators(tmp_path: Path) -> None:
    done = durablectl(tmp_path, "doctor", "--hub", "hub.db")
    assert "azure-functions-durable 2." in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout


def test_the_app_of_init_runs_and_its_test_passes(tmp_path: Path) -> None:
    made = subprocess.run([sys.executable, "-m", "durablectl", "init"], cwd=tmp_path, check=True)
    test = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, test.returncode) == (0, 0), test.stdout


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(CRASHES, encoding="utf-8")
    command = [sys.executable, "-m", "durablectl", "run", "steps", "--app", str(tmp_path)]
    for _ in range(2):
        killed = subprocess.run(
            [*command, "--instance-id", "one", "--if-exists", "attach"],
            cwd=tmp_path,
            check=False,
            timeout=60,
        )
    done = subprocess.run(
        [*command, "--instance-id", "one", "--if-exists", "attach", "-o", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -9
    assert json.loads(done.stdout)["output"] == [0, 1, 2, 3], done.stderr


def test_a_changed_app_is_loaded_again(tmp_path: Path) -> None:
    text = (APP / "function_app.py").read_text(encoding="utf-8")
    file = tmp_path / "function_app.py"
    file.write_text(text, encoding="utf-8")
    with serving(tmp_path, "--reload") as server:
        assert server.ask("POST", "/api/run/compat", ["Ada"]) == (200, ["Hello, Ada!"])
        file.write_text(text.replace("Hello, {name}", "Good day, {name}"), encoding="utf-8")
        server.until_said("was loaded again")
        assert server.ask("POST", "/api/run/compat", ["Ada"]) == (200, ["Good day, Ada!"])
        assert server.ask("POST", "/api/run/asks") == (200, "asks")


@pytest.mark.parametrize("size", [100, 34_000_000], ids=["fits", "over the limit"])
def test_a_starters_message_over_the_limit_is_its_own_error(served: Served, size: int) -> None:
    """The SDK's own client refuses it before it is sent, or the server does."""
    status, _ = served.ask("POST", "/api/big", size)
    assert status == (200 if size == 100 else 413)
    assert served.ask("GET", "/api/look/none") == (200, "none")


CRASHES = """
import os
import signal
from pathlib import Path
import azure.durable_functions as df

app = df.DFApp()

@app.activity_trigger(input_name="number")
def step(number):
    mark = Path(f"killed-{number}")
    if number in (1, 2) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number

@app.orchestration_trigger(context_name="ctx")
def steps(ctx, _):
    done = []
    for number in range(4):
        done.append((yield ctx.call_activity("step", input=number)))
    return done
"""
