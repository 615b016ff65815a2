"""`why`: what people see, its JSON, its exit codes."""

from __future__ import annotations

import json
import re

import pytest
from scripted_server import status

from durablectl.cli.framework.groups import root

NESTED = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def parent(context):
    return (yield context.call_sub_orchestrator("child", None, "p-1:child"))

@app.orchestration_trigger(context_name="context")
def child(context):
    retry = df.RetryOptions(1, 3)
    return (yield context.call_activity_with_retry("leaf", retry))

@app.activity_trigger(input_name="nothing")
def leaf(nothing):
    raise ValueError("no luck")
"""
STARTED = {
    "EventType": "ExecutionStarted",
    "Timestamp": "2026-01-02T03:04:05Z",
    "FunctionName": "order",
}


def test_a_failure_is_shown_from_the_cause_to_the_instance(run, project):
    (project / "function_app.py").write_text(NESTED)
    assert run("run", "parent", "--instance-id", "p-1").code == 10
    code, out, _ = run("why", "p-1")
    lines = [re.sub(r"  +", "  ", line) for line in out.splitlines()]
    assert code == 0
    assert re.fullmatch(r"p-1 \(parent\) Failed .* ago", lines[0])
    assert lines[1] == "  ValueError: no luck"
    assert f"{project / 'function_app.py'}:16, in leaf" in out
    begin = lines.index("call chain")
    assert [line.strip() for line in out.splitlines()[begin + 1 : begin + 4]] == [
        "p-1 (parent)",
        "p-1:child (child)",
        "activity 'leaf', 3 attempts",
    ]
    assert any(line.startswith("next: durablectl rewind p-1") for line in lines)


def test_a_remote_one_that_waits_for_an_event_says_what_is_not_known(remote, server):
    server.on("GET", "/instances/a", (200, status("a", "Running", historyEvents=[STARTED])))
    code, out, _ = remote("why", "a")
    assert code == 0
    assert "an external event" in out
    assert "unknown: the name of the external event" in out


def test_json_has_it_all(remote, server):
    pending = {"EventType": "TaskScheduled", "Timestamp": "2026-01-02T03:04:06Z", "Name": "charge"}
    server.on(
        "GET", "/instances/a", (200, status("a", "Running", historyEvents=[STARTED, pending]))
    )
    made = json.loads(remote("why", "a", "-o", "json").out)
    assert made["waitingFor"][0] | {"kind": "activity", "name": "charge"} == made["waitingFor"][0]
    assert (made["unknown"], made["instanceId"]) == ([], "a")
    assert json.loads(remote("why", "a", "-o", "json", "--query", "waitingFor[].name").out) == [
        "charge"
    ]
    assert remote("why", "a", "-o", "id").out == "a\n"


def running(second: int) -> tuple[int, object]:
    last = f"2026-01-02T03:04:{second:02}Z"
    pending = {"EventType": "TaskScheduled", "Timestamp": last, "Name": f"step{second}"}
    shown = status("a", "Running", historyEvents=[STARTED, pending], lastUpdatedTime=last)
    return 200, shown


def test_an_instance_that_changes_while_it_is_read_is_read_again(remote, server):
    server.on("GET", "/instances/a", running(6), running(7), running(8), running(8))
    made = json.loads(remote("why", "a", "-o", "json").out)
    assert ([each["name"] for each in made["waitingFor"]], made["unknown"]) == (["step8"], [])


def test_one_that_never_stays_the_same_is_shown_and_that_is_said(remote, server):
    server.on("GET", "/instances/a", *(running(second) for second in range(6, 20)))
    code, out, _ = remote("why", "a")
    assert (code, "activity 'step10'" in out) == (0, True)
    assert "unknown: its latest steps: it changes faster than it can be read" in out


def test_the_next_command_is_for_the_same_hub(remote, server):
    server.on("GET", "/instances/a", (200, status("a", "Terminated")))
    (line,) = [line for line in remote("why", "a").out.splitlines() if line.startswith("next: ")]
    assert line.startswith(f"next: durablectl restart --hub {server.url} --new-id a")


def test_text_of_a_hub_stays_text(remote, server):
    hostile = "\x1b[2Jevil\nnext: durablectl purge"
    events = [STARTED, {**STARTED, "EventType": "TaskScheduled", "Name": hostile}]
    server.on("GET", "/instances/a", (200, status("a", "Running", historyEvents=events)))
    out = remote("why", "a").out
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line.startswith("next: durablectl purge")] == []


def test_what_is_not_there_is_exit_3(remote, run, app):
    assert remote("why", "a").code == 3
    assert run("start", "echo", "--instance-id", "e-1").code == 0
    assert run("why", "nope").code == 3


@pytest.mark.parametrize("args", [(), ("a", "b"), ("@missing.json",)], ids=str)
def test_what_makes_no_sense_is_refused(run, app, args):
    code, out, err = run("why", *args)
    assert (code, out) == (2, "")
    assert err.count("durablectl: ") <= 1


def test_the_word_that_others_have_for_it_leads_here():
    assert root().unknown(None, "explain").hint == "here it is: durablectl why"


def test_an_app_that_does_not_load_costs_only_what_it_would_have_told(run, app):
    assert run("start", "approval", "--instance-id", "a-1").code == 0
    assert run("worker", "--until-idle").code == 0
    (app / "broken.py").write_text("1 / 0\n")
    code, out, err = run("why", "a-1", "--app", "broken.py")
    assert (code, "Traceback" in err) == (0, False)
    assert "a-1 (approval) is Running" in out
    assert "the app fails while it is loaded: broken.py:1: ZeroDivisionError" in out


WAITING = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def order(context):
    approval = context.wait_for_external_event("Approval")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=1))
    yield context.task_any([approval, deadline])
    yield context.call_activity("charge", 1)

@app.activity_trigger(input_name="amount")
def charge(amount): ...
"""


@pytest.mark.parametrize("name", ["approval", "Aproval"])
def test_an_event_that_a_service_did_not_take_for_its_name_is_said(remote, server, project, name):
    (project / "function_app.py").write_text(WAITING)
    events = [
        STARTED | {"Input": None},
        {
            "EventType": "TimerCreated",
            "Timestamp": "2026-01-02T03:04:06Z",
            "FireAt": "2026-01-03T03:04:05Z",
        },
        {"EventType": "EventRaised", "Timestamp": "2026-01-02T03:05:06Z", "Name": name, "Input": 1},
    ]
    server.on("GET", "/instances/a", (200, status("a", "Running", historyEvents=events)))
    code, out, _ = remote("why", "a", "--app", "function_app.py")
    assert code == 0
    assert f"event '{name}' came" in out
    assert "ago, but the code waits for 'Approval'" in out
    assert "event 'Approval'  function_app.py:8  no event of" in out
    assert re.search(r"next: durablectl raise-event .* a Approval", out)
    out = remote("why", "a").out
    assert "ago, and did not let it continue" in out


def test_an_orchestrator_that_no_app_has_is_not_called_its_own_code(remote, server):
    text = "The function 'order' doesn't exist, is disabled, or is not an orchestrator function."
    server.on("GET", "/instances/a", (200, status("a", "Failed", output=text)))
    out = remote("why", "a").out
    assert "the app that ran it does not have this orchestrator" in out
    assert "own code" not in out


def test_the_app_to_name_is_shown_as_it_would_be_typed_here(remote, server, project):
    (project / "function_app.py").write_text(WAITING)
    server.on("GET", "/instances/a", (200, status("a", "Running", historyEvents=[STARTED])))
    assert re.search(r"why --hub \S+ --app function_app.py a  names", remote("why", "a").out)


def test_a_worker_of_another_app_is_named_with_this_hub(run, app):
    assert run("start", "approval", "--instance-id", "a-1").code == 0
    text = (app / "function_app.py").read_text()
    (app / "other.py").write_text(text)
    (app / "function_app.py").write_text(text.replace("def approval(", "def renamed("))
    out = run("why", "a-1").out
    assert "; the app here has no orchestrator 'approval'" in out
    assert "next: durablectl worker --hub .durablectl/hub.db --app PATH  with the app" in out
    assert (
        run("worker", "--hub", ".durablectl/hub.db", "--app", "other.py", "--until-idle").code == 0
    )
    assert "event 'Approve'" in run("why", "a-1", "--app", "other.py").out


def test_a_purged_child_is_named_where_the_chain_ends(run, project):
    (project / "function_app.py").write_text(NESTED)
    assert run("run", "parent", "--instance-id", "p-1").code == 10
    assert run("purge", "p-1:child", "--yes").code == 0
    out = run("why", "p-1").out
    assert "sub-orchestration 'child' p-1:child\n" in out
    assert (
        "unknown: how sub-orchestration 'p-1:child' failed: it is not there: it never started, or was purged"
        in out
    )


RACE = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def race(context):
    week = context.create_timer(context.current_utc_datetime + timedelta(days=7))
    yield context.task_any([context.call_activity("quick"), week])
    context.set_custom_status("raced")

@app.activity_trigger(input_name="nothing")
def quick(nothing):
    return 1
"""


def test_a_timer_that_outlives_the_code_is_what_keeps_an_instance(run, project):
    (project / "function_app.py").write_text(RACE)
    raced = ("--until", "customStatus=='raced'", "--timeout", "20s")
    assert run("start", "race", "--instance-id", "r-1", "--wait", *raced).code == 0
    out = run("why", "r-1").out
    assert "its code has ended; it is finished when this is\n  timer  fires in " in out
    (wait,) = json.loads(run("why", "r-1", "-o", "json").out)["waitingFor"]
    assert (wait["kind"], wait["isAwaited"]) == ("timer", False)


def test_code_that_would_fail_an_instance_is_said_before_a_worker_runs_it(run, app):
    waits = ("--until", "runtimeStatus=='Running'", "--timeout", "20s")
    run("start", "approval", "--instance-id", "a-1", "--wait", *waits)
    code = (app / "function_app.py").read_text()
    begin = "def approval(context):\n"
    changed = code.replace(begin, f'{begin}    yield context.call_activity("fail")\n')
    (app / "function_app.py").write_text(changed)
    run("raise-event", "a-1", "Other")
    out = run("why", "a-1").out
    assert "a worker with the app here would fail it" in out
    assert ("durablectl replay a-1" in out, "durablectl worker" in out) == (True, False)
    assert "no worker has processed it yet" in out
