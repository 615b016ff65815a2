"""The GitHub action and the Azure Pipelines template: their steps are run by a shell, on a real
hub, as a runner would run them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
import yaml
from scripted_server import payload, scripted_server, status

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TEMPLATE = yaml.safe_load(
    (ROOT / "docs" / "azure-pipelines" / "durablectl.yml").read_text(encoding="utf-8")
)
KEY = "s3cret-key"
HOSTILE = (
    "a'b\"; touch owned; $(touch owned) `touch owned`\n::error::x\n##vso[task.complete "
    "result=Succeeded]"
)


class Ended(NamedTuple):
    """How the steps ended, what the log holds, and the values they handed on."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    report: Path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The example's app in a fresh checkout."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "examples" / "orders",
        folder,
        ignore=shutil.ignore_patterns(".durablectl", "__pycache__"),
    )
    return folder


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with the runner's expressions and macros replaced."""
    return re.sub(
        r"\$\{\{ (?:inputs|parameters|github)\.([\w-]+) \}\}|\$\(([\w.]+)\)",
        lambda found: values[found[1] or found[2]],
        text,
    )


def shell(script: str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    known = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        env={**known, "PATH": path, **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )


def github(work: Path, **inputs: str) -> Ended:
    """Run the action with these inputs; `_` in a name stands for `-`."""
    temp = work.parent / "temp"
    temp.mkdir()
    values = {name: str(settings["default"]) for name, settings in ACTION["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in inputs.items()} | {
        "action_path": str(ROOT)
    }
    files = {
        name: str(temp / name.lower())
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")
    }
    runner = {"GITHUB_ACTIONS": "true", "CI": "true", "RUNNER_TEMP": str(temp), **files}
    log, code = "", 0
    for step in ACTION["runs"]["steps"]:
        env = {name: filled(value, values) for name, value in step["env"].items()}
        done = shell(step["run"], {**runner, **env}, work)
        log, code = log + done.stdout, done.returncode
        if code:
            break
    outputs = dict(line.split("=", 1) for line in read(temp / "github_output").splitlines())
    return Ended(code, log, outputs, read(temp / "github_step_summary"), work / values["junit"])


def azure(work: Path, **parameters: str) -> Ended:
    """Run the template's scripts with these parameters."""
    temp = work.parent / "temp"
    temp.mkdir()
    values = {each["name"]: each["default"] for each in TEMPLATE["parameters"]} | parameters
    values |= {"Agent.TempDirectory": str(temp), "System.DefaultWorkingDirectory": str(work)}
    runner = {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(temp)}
    log, code = "", 0
    for step in TEMPLATE["steps"]:
        if "bash" not in step or code:
            continue
        env = {name: filled(value, values) for name, value in step["env"].items()}
        done = shell(step["bash"], {**runner, **env}, work)
        log, code = log + done.stdout, done.returncode
    outputs = dict(
        re.findall(
            r"^##vso\[task\.setvariable variable=durablectl\.(\w+)\](.*)$", log, re.MULTILINE
        )
    )
    summary = "".join(
        Path(path).read_text()
        for path in re.findall(r"^##vso\[task\.uploadsummary\](.*)$", log, re.MULTILINE)
    )
    return Ended(code, log, outputs, summary, temp / "durablectl-junit.xml")


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def ended(report: Path) -> list[tuple[str | None, list[str]]]:
    return [
        (case.get("name"), [child.tag for child in case])
        for case in ET.parse(report).iter("testcase")
    ]


def test_the_action_starts_waits_and_hands_on_the_result(work):
    done = github(
        work,
        orchestrator="Order",
        input="order.json",
        instance_id="o-1",
        junit="report.xml",
        timeout="50s",
    )
    assert (
        done.code,
        done.outputs["instance-id"],
        done.outputs["status"],
        done.outputs["exit-code"],
    ) == (0, "o-1", "Completed", "0")
    assert json.loads(Path(done.outputs["result"]).read_text())["output"]["state"] == "shipped"
    assert "| o-1 | Order | Completed |" in done.summary
    assert ended(done.report) == [("o-1", [])]


def test_the_action_fails_as_the_orchestration_does(work):
    done = github(
        work,
        orchestrator="Order",
        input="impossible-order.json",
        instance_id="o-2",
        junit="report.xml",
        timeout="50s",
    )
    assert (done.code, done.outputs["status"], done.outputs["exit-code"]) == (10, "Failed", "10")
    assert (
        "::error title=durablectl%3A Order Failed::instance 'o-2' (Order) is Failed\n" in done.log
    )
    assert ended(done.report) == [("o-2", ["failure"])]


def test_the_action_can_wait_for_what_is_there(work):
    assert (
        github(
            work, orchestrator="Order", input="order.json", instance_id="o-3", timeout="50s"
        ).code
        == 0
    )
    shutil.rmtree(work.parent / "temp")
    assert github(work, instance_id="o-3").outputs["status"] == "Completed"


def test_the_template_starts_waits_and_hands_on_the_result(work):
    done = azure(work, orchestrator="Order", input="order.json", instanceId="o-1", timeout="50s")
    assert (done.code, done.outputs) == (
        0,
        {"instanceId": "o-1", "status": "Completed", "exitCode": "0"},
    )
    assert "| o-1 | Order | Completed |" in done.summary
    assert ended(done.report) == [("o-1", [])]


def test_the_template_fails_as_the_orchestration_does(work):
    done = azure(
        work, orchestrator="Order", input="impossible-order.json", instanceId="o-2", timeout="50s"
    )
    assert (done.code, done.outputs["status"], done.outputs["exitCode"]) == (10, "Failed", "10")
    assert (
        "##vso[task.logissue type=error]durablectl: Order Failed: instance 'o-2' (Order) is "
        "Failed\n"
    ) in done.log
    assert ended(done.report) == [("o-2", ["failure"])]


def test_the_template_publishes_the_report_that_it_writes():
    (publish,) = [
        step["inputs"] for step in TEMPLATE["steps"] if step.get("task") == "PublishTestResults@2"
    ]
    wait = next(step for step in TEMPLATE["steps"] if step.get("displayName") == "Start and wait")
    assert wait["env"]["JUNIT"] == f"{publish['searchFolder']}/{publish['testResultsFiles']}"


@pytest.mark.parametrize("pipeline", [github, azure])
def test_a_key_reaches_the_service_and_not_the_log(work, pipeline):
    with scripted_server() as server:
        server.otherwise = lambda request: (
            (202, payload(server.url, "o-1"))
            if request.method == "POST"
            else (200, status(request.path.rpartition("/")[2]))
        )
        done = pipeline(work, orchestrator="Order", hub=server.url, key=KEY, timeout="50s")
    assert (done.code, {request.key for request in server.asked}) == (0, {KEY})
    everything = (
        done.log
        + done.summary
        + "".join(done.outputs.values())
        + "".join(map(read, (work.parent / "temp").rglob("*.*")))
    )
    assert KEY not in everything


@pytest.mark.parametrize("pipeline", [github, azure])
@pytest.mark.parametrize("name", ["orchestrator", "input", "hub", "timeout", "instance"])
def test_hostile_inputs_run_nothing(work, pipeline, name):
    inputs: dict[str, Any] = {"orchestrator": "Order", "input": "order.json", "timeout": "1s"}
    inputs["instance_id" if pipeline is github else "instanceId"] = (
        HOSTILE if name == "instance" else "o-1"
    )
    if name != "instance":
        inputs[name] = HOSTILE
    done = pipeline(work, **inputs)
    assert done.code != 0 or name == "hub"  # a local hub's file may be called so
    assert not list(work.parent.rglob("owned"))
    assert not re.search(r"^(::error::x|##vso\[task\.complete)", done.log, re.MULTILINE)


@pytest.mark.parametrize("document", ["action.yml", "docs/azure-pipelines/durablectl.yml"])
def test_no_script_has_an_expression_in_it(document):
    steps = ACTION["runs"]["steps"] if document == "action.yml" else TEMPLATE["steps"]
    assert not [step for step in steps if "${{" in step.get("run", step.get("bash", ""))]
