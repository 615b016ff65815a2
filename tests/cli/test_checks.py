"""What `run`, `serve`, `worker --reload`, `doctor` and `functions --check` say of code that a replay
does not repeat.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAFE = """
import random, uuid
from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="value")
def act(value):
    return value


@app.orchestration_trigger(context_name="context")
def order(context):
    number = 7
    return (yield context.call_activity("act", number))
"""
UNSAFE = SAFE.replace("number = 7", "number = random.random()")
LINE = UNSAFE.splitlines().index("    number = random.random()") + 1
SOURCE = (
    f"function_app.py:{LINE}: orchestrator 'order' uses random.random, which is not replay-safe; "
    "use an activity"
)
CHECK = f"orchestrator 'order' does not repeat its decisions at function_app.py:{LINE + 1}: it had"


@pytest.fixture
def unsafe(project: Path) -> Path:
    (project / "function_app.py").write_text(UNSAFE)
    return project


def test_run_warns_of_both_and_ends_as_ever(run, unsafe):
    code, out, err = run("run", "order")
    assert (code, err.count(SOURCE), err.count(CHECK)) == (0, 1, 1)
    assert float(out) < 1


def test_run_warns_of_what_it_runs_only(run, project):
    (project / "function_app.py").write_text(
        f"{UNSAFE}\n\n@app.orchestration_trigger(context_name='context')\n"
        "def calm(context):\n    return (yield context.call_activity('act', 1))\n"
    )
    assert "replay-safe" not in run("run", "calm").err
    assert SOURCE in run("functions", "--check").err


def test_the_check_can_be_switched_off(run, unsafe):
    assert CHECK not in run("run", "order", "--no-replay-check").err


def test_code_that_repeats_itself_gives_no_warning(run, project):
    (project / "function_app.py").write_text(SAFE)
    code, _, err = run("run", "order")
    assert (code, "warning" in err) == (0, False)
    assert run("functions", "--check").code == 0
    assert "source" not in run("doctor").out


def test_a_plain_worker_checks_only_when_it_is_told_to(run, unsafe):
    for options, is_told in ((), False), (("--replay-check",), True):
        run("start", "order")
        err = run("worker", "--until-idle", *options).err
        assert (CHECK in err, SOURCE in err) == (is_told, False)


def test_doctor_has_a_warning_for_each_call(run, unsafe):
    findings = json.loads(run("doctor", "-o", "json").out)
    (found,) = [each for each in findings if each["check"] == "source"]
    assert (found["verdict"], found["message"]) == ("warning", SOURCE)


def test_functions_check_is_1_when_there_is_one(run, unsafe):
    code, out, err = run("functions", "--check")
    assert (code, SOURCE in err) == (1, True)
    assert "order" in out


KINDER = SAFE.replace("number = 7", "number = yield context.create_timer(datetime(2026, 1, 1))")
KINDER = KINDER.replace("import random, uuid", "from datetime import datetime")
RELIES = "orchestrator 'order' makes a timer with a time that is not in UTC at function_app.py:"
WRITTEN = (
    "orchestrator 'order' uses a timer with a time that has no zone. That works here; on Azure"
)


def test_what_works_here_only_is_told_with_its_line(run, project):
    (project / "function_app.py").write_text(KINDER)
    code, _, err = run("run", "order")
    assert (code, err.count(RELIES), err.count(WRITTEN)) == (0, 1, 1)
    assert "Instead, use context.current_utc_datetime + timedelta(...)" in err
    assert RELIES not in run("run", "order", "--no-replay-check").err
    code, _, err = run("functions", "--check")
    assert (code, WRITTEN in err) == (1, True)
    assert (
        WRITTEN in run("doctor").out.replace("\n", " ")
        or WRITTEN in run("doctor", "-o", "json").out
    )


def test_a_remote_run_needs_no_app(run, project):
    assert "replay" not in run("run", "order", "--hub", "http://127.0.0.1:1").err
