"""`durablectl history`: the events of an instance, for people, as the service has them, and
complete.
"""

from __future__ import annotations

import json
import re

import pytest
from scripted_server import status
from terminal import durablectl, terminal

from durablectl.history.exported import VERSION
from durablectl.testing import assert_replays

NESTED = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def parent(context):
    return (yield context.call_sub_orchestrator("child"))

@app.orchestration_trigger(context_name="context")
def child(context):
    return (yield context.call_sub_orchestrator("grandchild"))

@app.orchestration_trigger(context_name="context")
def grandchild(context):
    return (yield context.call_activity("leaf"))

@app.activity_trigger(input_name="nothing")
def leaf(nothing):
    return "done"
"""


def hello(context):
    said = []
    for city in context.get_input() or ["Tokyo", "London"]:
        said.append((yield context.call_activity("say_hello", city)))
    return said


@pytest.fixture
def finished(run, app):
    assert run("run", "hello", "--instance-id", "h-1").code == 0


def test_the_steps_are_listed(run, finished):
    code, out, _ = run("history", "h-1")
    assert code == 0
    table = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert table[0] == ["#", "AT", "TOOK", "STEP", "RESULT"]
    assert [row[0] for row in table[1:]] == ["1", "2", "3", "4"]
    assert [row[3:] for row in table[1:]] == [
        ["hello started", ""],
        ["say_hello", "Hello Tokyo!"],
        ["say_hello", "Hello London!"],
        ["completed", '["Hello Tokyo!", "Hello London!"]'],
    ]


def test_bars_are_plain_and_as_wide_as_they_may_be_in_a_pipe(run, finished):
    code, out, _ = run("history", "h-1", "--gantt")
    bars = out.split("\n\n")[1].splitlines()
    assert (code, out.isascii(), [bar.split()[0] for bar in bars]) == (
        0,
        True,
        ["0", "say_hello", "say_hello"],
    )


@pytest.mark.parametrize(
    ("options", "steps"), [([], ["child", "  grandchild"]), (["--no-children"], ["child"])], ids=str
)
def test_sub_orchestrations_are_folded_in(run, project, options, steps):
    (project / "function_app.py").write_text(NESTED)
    assert run("run", "parent", "--instance-id", "p-1").code == 0
    rows = [
        line.split("\t")[3]
        for line in run("history", "p-1", *options).out.splitlines()
        if "\t" in line
    ]
    assert [row.partition(" (")[0] for row in rows if "child" in row] == steps


def test_all_levels_are_folded_in_when_they_are_asked_for(run, project):
    (project / "function_app.py").write_text(NESTED)
    assert run("run", "parent", "--instance-id", "p-1").code == 0
    assert "    leaf" in run("history", "p-1", "--children").out


def test_a_finished_instance_is_followed_to_its_end(run, finished):
    code, out, _ = run("history", "h-1", "--follow")
    assert (code, out.splitlines()[-1].split("\t")[3]) == (0, "completed")


@pytest.mark.parametrize("columns", [100, 160])
def test_no_cell_is_cut_that_fits_the_line_while_an_instance_is_followed(server, columns):
    name = "notify_the_warehouse_of_the_order"
    events = [
        {"EventType": "ExecutionStarted", "Timestamp": "2026-11-02T03:04:05Z"},
        {
            "EventType": "TaskCompleted",
            "Timestamp": "2026-11-02T03:48:05Z",
            "ScheduledTime": "2026-11-02T03:20:53Z",
            "FunctionName": name,
            "Result": "sent",
        },
    ]
    server.on("GET", "/instances/order-7", (200, {**status("order-7"), "historyEvents": events}))
    command = durablectl("history", "order-7", "--follow", "--hub", server.url, "--color", "never")
    with terminal(command, columns=columns) as shown:
        assert shown.end() == 0
    (row,) = [line for line in shown.text.splitlines() if "sent" in line]
    assert re.split(" {2,}", row)[-4:] == ["+16 min 48 s", "27 min 12 s", name, "sent"]


def test_json_lines_are_followed_event_by_event(remote, server):
    began = {
        "EventType": "ExecutionStarted",
        "Timestamp": "2026-11-02T03:04:05Z",
        "FunctionName": "order",
    }
    ended = {
        "EventType": "ExecutionCompleted",
        "Timestamp": "2026-11-02T03:04:09Z",
        "OrchestrationStatus": "Completed",
    }
    running = {**status("order-7", "Running"), "historyEvents": [began]}
    finished = {**status("order-7"), "historyEvents": [began, ended]}
    server.on("GET", "/instances/order-7", (202, running), (202, running), (200, finished))
    code, out, _ = remote("history", "order-7", "--follow", "-o", "jsonl")
    assert (code, [json.loads(line) for line in out.splitlines()]) == (0, [began, ended])


def test_an_instance_that_continues_as_new_is_followed_into_its_next_history(remote, server):
    def told(second, *more, state="Running"):
        return {**status("order-7", state), "historyEvents": [began(second), *more]}

    def began(second):
        return {
            "EventType": "ExecutionStarted",
            "Timestamp": f"2026-11-02T03:04:0{second}Z",
            "FunctionName": "order",
        }

    ended = {
        "EventType": "ExecutionCompleted",
        "Timestamp": "2026-11-02T03:04:09Z",
        "OrchestrationStatus": "Completed",
    }
    server.on("GET", "/instances/order-7", (202, told(5)), (200, told(7, ended, state="Completed")))
    code, out, err = remote("history", "order-7", "--follow")
    assert (code, out.count("order started"), err) == (
        0,
        2,
        "continued as new: a new history begins\n",
    )


@pytest.mark.parametrize(
    "options", [["--gantt", "-o", "json"], ["--gantt", "--follow"], ["--raw", "--follow"]], ids=str
)
def test_options_that_contradict_each_other_are_refused(run, finished, options):
    code, out, err = run("history", "h-1", *options)
    assert (code, out, "hint" in err) == (2, "", True)


def test_json_is_the_services_own(run, finished):
    events = json.loads(run("history", "h-1", "-o", "json").out)
    assert (
        events
        == json.loads(run("status", "h-1", "--history-output", "-o", "json").out)["historyEvents"]
    )


def test_the_reason_of_a_failure_is_plain_text(run, app):
    run("run", "failing", "--instance-id", "f-1")
    shown = json.loads(run("status", "f-1", "--history-output", "-o", "json").out)
    assert shown["historyEvents"][-1]["Result"] == shown["output"]
    assert run("history", "f-1").out.splitlines()[-1].split("\t")[3:] == [
        "failed",
        "RuntimeError: no luck (in fail, failing)",
    ]


def test_the_complete_events_replay(run, finished):
    code, out, _ = run("history", "h-1", "--raw")
    assert (code, json.loads(out)["version"]) == (0, VERSION)
    assert_replays(out, hello)
    assert run("history", "h-1", "--raw", "-o", "jsonl").out.count("\n") == 1
    assert run("history", "h-1", "--raw", "-o", "id").out == "h-1\n"


def test_a_remote_hub_shows_no_complete_events(remote, server):
    server.otherwise = lambda _request: (200, status("order-7"))
    assert remote("history", "order-7").code == 0
    assert remote("history", "order-7", "--raw").code == 7


def test_no_such_instance(run, finished):
    assert [run("history", "nobody", *options).code for options in ([], ["--raw"])] == [3, 3]


def test_a_history_is_that_of_one_instance(run, finished):
    assert run("history", "-", stdin="h-1\nh-2\n").code == 2
